"""All faults side by side: what is told of each, how soon, and what is told while it lasts."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.e2e.alerting import Alerting, alerting, until
from tests.e2e.case import Case, Outcome
from tests.e2e.faults import SAFE, Event, Fault
from tests.e2e.receiver import Told, receiving
from tests.e2e.sites import Exporter, FakeExchange, another_program, key_of
from tests.process.running import EXPORTER, FREE_PORT, Ended, Running

# Shipped are 5 s between scrapes and evaluations and 15 s between polls, and here it is 1 s each:
# in this measure a chain that looks every 15 s, which is slower than the shipped one.
FACTOR = 15.0

# No fault, no alert.
HEALTHY = "healthy"

# How many accounts one exporter has; at a poll a second more would exceed its budget of requests.
_TOGETHER = 8

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class FaultRuns:
    """What came of all faults, everything that was told, and what a drill beside them brought.

    `left` is what the drill left in the folder of targets.
    """

    outcomes: Mapping[str, Outcome]
    told: Sequence[Told]
    drill: Ended
    drill_text: str
    left: Sequence[str]


class _Play:
    """Everything that takes part."""

    def __init__(self, stack: ExitStack, folder: Path, faults: Sequence[Fault]) -> None:
        self._stack = stack
        self._folder = folder
        portal = stack.enter_context(start_blocking_portal())
        exchanges = {each.account: self._exchange(portal, each) for each in faults}
        healthy = FakeExchange(portal, stack, "calm", key_of(HEALTHY))
        self._exporters: list[Exporter] = []
        self._by_event: dict[Event, Exporter] = {}
        of_account: dict[str, Exporter] = {}
        accounts = [each.account for each in faults if each.event in (None, Event.FROZEN)]
        urls = {name: exchanges[name].base_url for name in accounts}
        urls[HEALTHY] = healthy.base_url
        for start in range(0, len(urls), _TOGETHER):
            some = dict(list(urls.items())[start : start + _TOGETHER])
            of_account |= dict.fromkeys(some, self._start(some))
        for event in Event:
            own = [each.account for each in faults if each.event is event is not Event.FROZEN]
            if own:
                exporter = self._start({name: exchanges[name].base_url for name in own})
                self._by_event[event] = exporter
                of_account |= dict.fromkeys(own, exporter)
        self._addresses = [each.address for each in self._exporters]
        self._cases = [
            Case(each, exchanges[each.account], of_account[each.account]) for each in faults
        ]
        self._receiver = stack.enter_context(receiving())
        self._alerting: Alerting = stack.enter_context(
            alerting(folder, FACTOR, self._receiver.url, self._addresses)
        )
        self._other_program = stack.enter_context(ExitStack())

    def _exchange(self, portal: BlockingPortal, fault: Fault) -> FakeExchange:
        moves = fault.step == SAFE
        return FakeExchange(
            portal, self._stack, "calm" if moves else "drill", key_of(fault.account)
        )

    def _start(self, base_urls: Mapping[str, str]) -> Exporter:
        exporter = Exporter(self._folder / f"exporter-{len(self._exporters)}", FACTOR, base_urls)
        self._stack.callback(exporter.close)
        self._exporters.append(exporter)
        return exporter

    def run(self) -> FaultRuns:
        """Run all of it, and return what came of it."""
        until(self._is_calm, "every account proven safe, and no alert", _START_SECONDS)
        drill = self._stack.enter_context(Running(self._drill_command(), {}))
        for case in self._cases:
            case.prepare()
            if case.fault.event is Event.FROZEN:
                case.inject()
        until(
            lambda: all(case.is_prepared(self._receiver) for case in self._cases),
            "the alerts before the faults",
            _START_SECONDS,
        )
        for case in self._cases:
            if case.fault.event is not Event.FROZEN:
                case.inject()
        for event in self._by_event:
            self._befall(event)
        seen = []
        while not all(case.is_over() for case in self._cases):
            seen.append((time.monotonic(), self._alerting.firing()))
            for case in self._cases:
                case.report(self._receiver)
            self._heal([case for case in self._cases if case.is_to_heal()])
            time.sleep(_LOOK_SECONDS)
        ended = drill.end()
        outcomes = {case.fault.title: case.outcome(self._receiver, seen) for case in self._cases}
        return FaultRuns(
            outcomes=outcomes,
            told=tuple(self._receiver.told),
            drill=ended,
            drill_text=drill.stdout,
            left=[path.name for path in self._alerting.targets_folder.iterdir()],
        )

    def _drill_command(self) -> Sequence[str]:
        return [
            *EXPORTER,
            "drill",
            f"--prometheus.url={self._alerting.prometheus_url}",
            f"--alertmanager.url={self._alerting.alertmanager_url}",
            f"--targets-folder={self._alerting.targets_folder}",
            "--patience=2m",
            FREE_PORT,
        ]

    def _is_calm(self) -> bool:
        known = self._alerting.query("count(account:bitopro_margin_expected:any)")
        safe = self._alerting.query("count(account:bitopro_margin_proven_safe:max)")
        values = [float(each["value"][1]) for each in (*known, *safe)]
        alerts = {labels["alertname"] for labels in self._alerting.firing()}
        accounts = float(len(self._cases) + 1)
        return values == [accounts, accounts] and alerts == {"BitoproMarginWatchdog"}

    def _heal(self, cases: Sequence[Case]) -> None:
        for case in cases:
            case.heal()
        events = {case.fault.event for case in cases}
        for event in self._by_event:
            if event in events:
                self._recover(event)

    def _befall(self, event: Event) -> None:
        exporter = self._by_event[event]
        match event:
            case Event.KILLED:
                exporter.kill()
            case Event.STOPPED:
                exporter.stop()
            case Event.REPLACED:
                exporter.kill()
                self._other_program.enter_context(another_program(exporter.address))
            case Event.REMOVED:
                others = [each for each in self._addresses if each != exporter.address]
                self._alerting.rescrape(others)
            case Event.FROZEN:
                pass

    def _recover(self, event: Event) -> None:
        exporter = self._by_event[event]
        match event:
            case Event.KILLED:
                exporter.start()
            case Event.STOPPED:
                exporter.go_on()
            case Event.REPLACED:
                self._other_program.close()
                exporter.start()
            case Event.REMOVED:
                self._alerting.rescrape(self._addresses)
            case Event.FROZEN:
                pass


def run_faults(folder: Path, faults: Sequence[Fault]) -> FaultRuns:
    """Let every fault happen to an account of its own, and give what came of it."""
    with ExitStack() as stack:
        return _Play(stack, folder, faults).run()
