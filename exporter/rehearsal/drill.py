"""The drill: a simulated account gets into trouble, and the operator's own alerting is watched.

The account is named `drill`, which no configured account may be. It exists while the drill runs.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace

from exporter.clock import Clock
from exporter.configuration.credentials import CredentialSource, Secret
from exporter.configuration.settings import AccountSettings, Settings
from exporter.rehearsal.announcement import Announcement, DrillError
from exporter.rehearsal.stages import EXPECTED_ALERTS, STAGES, Finding, Stage, finding_text, verdict
from exporter.rehearsal.watchers import WatcherError, Watchers
from exporter.service.running import run_service
from exporter.simulator import STEP_SECONDS, Simulator, SimulatorConfig
from exporter.state.account import DRILL_ACCOUNT, Account
from exporter.telling import tell
from exporter.web.door import AllowedHosts

_POLL_INTERVAL_SECONDS = 5.0
_STALE_AFTER_SECONDS = 15.0
_LOOK_EVERY_SECONDS = 1.0
# Prometheus looks into the folder every 15 s if it is not told of the change, and scrapes after 5.
_FOUND_WITHIN_SECONDS = 120.0


async def run_drill(  # noqa: PLR0913 - everything it needs is passed in
    sockets: Sequence[socket.socket],
    *,
    announcement: Announcement,
    target: str,
    watchers: Watchers | None,
    patience_seconds: float,
    clock: Clock,
    stopped: asyncio.Event,
) -> bool:
    """Play the stages, tell what was seen, and give whether it was what it had to be.

    `target` is the address of `sockets` as Prometheus reaches it. The drill is given up when a
    stage has not brought what it had to after `patience_seconds`. Sets `stopped` at the end, and
    ends early when it is set. Raises DrillError, or WatcherError, before anything is announced;
    DrillError or OutputError later if nobody can read what is told.
    """
    if watchers is not None:
        await watchers.check(EXPECTED_ALERTS)
    exchange = _Exchange()
    async with exchange.simulator:
        play = (
            _play_unwatched(exchange)
            if watchers is None
            else _Watch(exchange, watchers, patience_seconds, clock).play()
        )
        serving = asyncio.create_task(
            run_service(
                _settings(exchange.simulator.base_url),
                sockets,
                telemetry_path="/metrics",
                clock=clock,
                stopped=stopped,
                # Simulated balances, under whatever name Prometheus reaches them by.
                allowed_hosts=AllowedHosts(["*"]),
            )
        )
        playing = asyncio.create_task(play)
        stopping = asyncio.create_task(stopped.wait())
        try:
            announcement.publish(target)
            await asyncio.wait((playing, serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Whatever ends it, nothing is waited for before the file is removed.
            announcement.withdraw()
            was_stopped = not playing.done()
            playing.cancel()
            stopped.set()
            await asyncio.wait((playing, stopping))
            await serving
    if was_stopped:
        _say("Stopped before its end, so nothing is proven.\n")
        return False
    return playing.result()


def _say(text: str) -> None:
    """Print, and give the drill up when its reader has left: it would go on to notify people."""
    if not tell(text):
        raise DrillError("standard output: its reader has left; the drill was given up")


class _Exchange:
    """The simulated exchange, whose time is the stage."""

    def __init__(self) -> None:
        self._step = 0
        self.simulator = Simulator(
            SimulatorConfig(port=0, scenario="drill", rate_limit=1_000_000),
            monotonic=lambda: float(self._step * STEP_SECONDS),
        )

    def enter(self, stage: Stage) -> None:
        self._step, self.simulator.fault = stage.step, stage.fault
        _say(f"{stage.name}: {stage.happens}\n")


async def _play_unwatched(exchange: _Exchange) -> bool:
    for stage in STAGES:
        exchange.enter(stage)
        _say(f"  expect {stage.expected}\n")
        await asyncio.sleep(stage.lasts_seconds)
    _say("It is over. Whether everything came, you have seen yourself.\n")
    return True


class _Watch:
    """A drill whose consequences are watched."""

    def __init__(
        self, exchange: _Exchange, watchers: Watchers, patience_seconds: float, clock: Clock
    ) -> None:
        self._exchange = exchange
        self._watchers = watchers
        self._patience_seconds = patience_seconds
        self._clock = clock

    async def play(self) -> bool:
        """Play stage after stage, as long as each brings what it has to."""
        has_alertmanager = self._watchers.has_alertmanager
        findings: list[Finding] = []
        for stage in STAGES:
            self._exchange.enter(stage)
            finding = await self._finding(stage)
            findings.append(finding)
            _say(f"  {finding_text(finding, has_alertmanager=has_alertmanager)}\n")
            if not finding.is_complete(has_alertmanager=has_alertmanager):
                _say(f"  {await self._explanation(finding)}\n")
                break
        text, has_passed = verdict(findings, has_alertmanager=has_alertmanager)
        _say(text)
        return has_passed

    async def _finding(self, stage: Stage) -> Finding:
        """Look until all is seen that has to be seen, or patience is at its end."""
        started = self._clock.monotonic()
        finding = Finding(stage)
        has_been_up = stage is not STAGES[0]
        while True:
            waited = self._clock.monotonic() - started
            try:
                firing = await self._watchers.firing()
                received = await self._watchers.received()
                is_up = await self._watchers.is_up()
            except WatcherError:
                # One that restarts is no reason to give up; after the patience it is asked why.
                pass
            else:
                has_been_up = has_been_up or is_up
                if finding.prometheus_seconds is None and stage.agrees(firing, is_up=is_up):
                    finding = replace(finding, prometheus_seconds=waited)
                if finding.alertmanager_seconds is None and stage.agrees(received, is_up=is_up):
                    finding = replace(finding, alertmanager_seconds=waited)
                if stage.stays is not None and stage.stays not in firing:
                    finding = replace(finding, was_cleared=True)
            limit = self._patience_seconds
            if not has_been_up:
                limit = min(limit, _FOUND_WITHIN_SECONDS)
            if finding.is_complete(has_alertmanager=self._watchers.has_alertmanager):
                return finding
            if waited > limit:
                return finding
            await self._clock.sleep(_LOOK_EVERY_SECONDS)

    async def _explanation(self, finding: Finding) -> str:
        """Give what a person can look at."""
        try:
            if finding.stage.alert is None and not await self._watchers.is_up():
                return await self._watchers.why_not_up()
            if finding.prometheus_seconds is not None:
                return await self._watchers.why_not_received()
            if finding.stage.alert is None:
                left = ", ".join(sorted(await self._watchers.firing()))
                return (
                    f"There still fires: {left}. Wait until an earlier drill's alerts have ended."
                )
        except WatcherError as error:
            return str(error)
        return (
            "The rule is loaded but did not fire: is it the shipped one, do the page Rules of "
            "Prometheus and its log show errors, and is --patience longer than the rule's own time?"
        )


def _settings(base_url: str) -> Settings:
    account = Account(
        name=DRILL_ACCOUNT,
        base_url=base_url,
        poll_interval_seconds=_POLL_INTERVAL_SECONDS,
        stale_after_seconds=_STALE_AFTER_SECONDS,
    )
    credentials = CredentialSource(
        api_key=Secret("drill", value="demo-key"),
        api_secret=Secret("drill", value="demo-secret"),
        email=Secret("drill", value="demo@example.com"),
    )
    return Settings(accounts=(AccountSettings(account, credentials),), warnings=())
