"""Good, fault, good again, over real sockets: what one fault does to the page."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.bitopro.client import Exchange
from exporter.bitopro.signing import Credentials
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.metrics.account import FAMILIES
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.polling.poller import poll_once
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account, AccountState

Page = Mapping[str, str]

ACCEPTED = "accepted"
CONFIG = SimulatorConfig(port=0, scenario="documented", rate_limit=1_000_000)
# A poll is over at its deadline; beyond it the machine may be busy, but not for so long.
_TOLERANCE_SECONDS = 1.0
_SETTLED_SECONDS = 5.0
_NOTHING = AccountState(Account("bench", "", 15.0, 60.0))
# What is shown only for a while.
_OF_EXCHANGE = frozenset(each.name for each in FAMILIES if each.expires_at(_NOTHING) < 0)


@dataclass(frozen=True)
class Verdict:
    """What became of one fault. `before`, `during` and `after` are whole pages."""

    fault: str
    outcome: str
    is_up: bool
    counted: Mapping[str, int]
    duration_seconds: float
    deadline_seconds: float
    before: Page
    during: Page
    after: Page
    expected_values: Page
    descriptors_leaked: int
    tasks_leaked: int

    @property
    def is_silently_wrong(self) -> bool:
        """Whether a value is shown that the exchange did not verifiably say."""
        return values(self.during) != self.expected_values

    @property
    def hangs(self) -> bool:
        """Whether the poll went on past its deadline."""
        return self.duration_seconds > self.deadline_seconds + _TOLERANCE_SECONDS

    @property
    def recovers(self) -> bool:
        """Whether the next good poll restored everything."""
        return self.after["bitopro_margin_up"] == "1.0" and values(self.after) == values(
            self.before
        )


def values(page: Page) -> Page:
    """Return what the page shows of the exchange, but for the time at which it changed."""
    return {
        name: value
        for name, value in page.items()
        if name.partition("{")[0] in _OF_EXCHANGE and "last_change" not in name
    }


async def verdict_on(
    fault: str, expect: Callable[[Page, str], Page], deadline_seconds: float
) -> Verdict:
    """Poll the documented account well, under the fault, and well again.

    `expect` gives, from the values before and the outcome, the values that may be shown.
    """
    async with (
        Simulator(CONFIG) as simulator,
        Connection(ssl.create_default_context()) as connection,
    ):
        exchange = exchange_of(simulator, connection, deadline_seconds)
        account = Account("bench", simulator.base_url, 15.0, 60.0)
        good, error = await poll_once(AccountState(account), exchange, Clock())
        assert error is None
        before = _page_of(good)
        descriptors, tasks = _descriptors(), len(asyncio.all_tasks())

        simulator.fault = fault
        state, error = await poll_once(good, exchange, Clock())
        simulator.fault = None
        again, _ = await poll_once(state, exchange, Clock())

        # What the peer still holds of a broken connection, it lets go when it notices.
        await _settled(lambda: _descriptors() <= descriptors)
        await _settled(lambda: len(asyncio.all_tasks()) <= tasks)
        outcome = error.reason if error else ACCEPTED
        return Verdict(
            fault=fault,
            outcome=outcome,
            is_up=state.is_up,
            counted={reason: count for reason, count in state.failures.items() if count},
            duration_seconds=state.poll_duration_seconds or 0.0,
            deadline_seconds=deadline_seconds,
            before=before,
            during=_page_of(state),
            after=_page_of(again),
            expected_values=expect(values(before), outcome),
            descriptors_leaked=_descriptors() - descriptors,
            tasks_leaked=len(asyncio.all_tasks()) - tasks,
        )


def exchange_of(simulator: Simulator, connection: Connection, deadline_seconds: float) -> Exchange:
    """Return the exchange as the exporter reaches it."""
    return Exchange(
        base_url=simulator.base_url,
        read_credentials=lambda: Credentials("demo-key", "demo-secret", "demo@example.com"),
        connection=connection,
        clock=Clock(),
        take_slot=lambda: asyncio.sleep(0),
        deadline_seconds=deadline_seconds,
    )


def samples_of(exposition: Exposition) -> Page:
    """Return the samples on a page by their names and labels."""
    lines = exposition.page(Format.TEXT).decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: value for name, _, value in samples}


def _page_of(state: AccountState) -> Page:
    now = state.received.monotonic_seconds if state.received else 0.0
    exposition = Exposition(lambda: now)
    exposition.put(state)
    return {
        name.replace('account="bench",', "").replace('{account="bench"}', ""): value
        for name, value in samples_of(exposition).items()
    }


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _settled(is_settled: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(_SETTLED_SECONDS):
            while not is_settled():  # noqa: ASYNC110 - sockets announce no end of closing
                await asyncio.sleep(0)
    except TimeoutError:
        return
