"""Good, fault, good again, over real sockets: what one fault does to the page."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.metrics.account import FAMILIES
from exporter.metrics.families import PREFIX
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.risk import RISK_FAMILIES
from exporter.polling.session import AccountSession
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account, AccountState
from tests.exchanges import exchange_at

Page = Mapping[str, str]

ACCEPTED = "accepted"
CONFIG = SimulatorConfig(port=0, scenario="documented", rate_limit=1_000_000)
# A poll is over at its deadline; beyond it the machine may be busy, but not for so long.
_TOLERANCE_SECONDS = 1.0
_SETTLED_SECONDS = 5.0
_NOTHING = AccountState(Account("bench", "", 15.0, 60.0))
# What is shown only for a while.
_OF_EXCHANGE = frozenset(each.name for each in FAMILIES if each.expires_at(_NOTHING) < 0)
# What follows from it.
_RISK = frozenset(each.name for each in RISK_FAMILIES) & _OF_EXCHANGE


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
        return values(self.during) != self.expected_values or not self._has_right_risk

    @property
    def _has_right_risk(self) -> bool:
        """Whether what follows from the values is of those that are shown."""
        if self.outcome != ACCEPTED:
            return risk(self.during) == (risk(self.before) if values(self.during) else {})
        asset, debt, exact = (
            [float(each) for name, each in self.during.items() if name.startswith(f"{PREFIX}{of}")]
            for of in ("total_asset_amount", "total_debt_amount", "ad_ratio_exact")
        )
        return exact == ([asset[0] / debt[0]] if debt[0] else [])

    @property
    def hangs(self) -> bool:
        """Whether the poll went on past its deadline."""
        return self.duration_seconds > self.deadline_seconds + _TOLERANCE_SECONDS

    @property
    def recovers(self) -> bool:
        """Whether the next good poll restored everything."""
        return self.after["bitopro_margin_up"] == "1.0" and (
            (values(self.after), risk(self.after)) == (values(self.before), risk(self.before))
        )


def values(page: Page) -> Page:
    """Return what the page shows of the exchange, but for the time at which it changed."""
    return {
        name: value
        for name, value in page.items()
        if name.partition("{")[0] in _OF_EXCHANGE - _RISK and "last_change" not in name
    }


def risk(page: Page) -> Page:
    """Return what the page shows that follows from what the exchange said."""
    return {name: value for name, value in page.items() if name.partition("{")[0] in _RISK}


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
        exchange = exchange_at(simulator.base_url, connection, deadline_seconds=deadline_seconds)
        account = Account("bench", simulator.base_url, 15.0, 60.0)
        session = AccountSession(AccountState(account), exchange, Clock())
        first = await session.fetch(BALANCES)
        assert first.error is None
        good = first.state
        session.record(good)
        before = _page_of(good)
        descriptors, tasks = _descriptors(), len(asyncio.all_tasks())

        simulator.fault = fault
        second = await session.fetch(BALANCES)
        state, error = second.state, second.error
        session.record(state)
        simulator.fault = None
        again = (await session.fetch(BALANCES)).state

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
