"""Faults of optional endpoints: no wrong price, no trace in the balances, and recovery."""

import itertools
import ssl
from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS, Endpoint, OptionalResponse
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.metrics.page import Exposition
from exporter.polling.optional import OptionalRequests, Schedule, SharedMarket
from exporter.polling.session import AccountSession
from exporter.simulator import FAULTS, Simulator
from exporter.state import Account, AccountState, MarketState
from tests.exchanges import exchange_at
from tests.faults.bench import CONFIG, samples_of
from tests.faults.test_fault_bench import expected_outcomes

pytestmark = pytest.mark.anyio

# Faults of a body as a whole; others lie in a field that only balances have.
OF_ANY_BODY = [
    "json-*",
    "byte-order-mark",
    "utf-*",
    "null",
    "true",
    "number",
    "string",
    "empty-list",
    "empty-object",
    "blank",
    "error-under-200",
    "wrapped-*",
    "deep-list",
    "padded-to-2-mib",
]
GENERAL = [
    name
    for name, fault in FAULTS.items()
    if fault.group != "answer" or any(fnmatchcase(name, pattern) for pattern in OF_ANY_BODY)
]
# Each on another endpoint than the one before.
CASES = list(zip(GENERAL, itertools.cycle(OPTIONAL_ENDPOINTS), strict=False))


def patience_seconds(fault: str) -> float:
    """Return what an answer has; little for what never ends."""
    return 0.8 if expected_outcomes(fault) == ["timeout"] else 10.0


class Exporter:
    """One account's exchange and what became of its answers."""

    def __init__(self, simulator: Simulator, connection: Connection) -> None:
        exchange = exchange_at(simulator.base_url, connection)
        state = AccountState(Account("bench", simulator.base_url, 15.0, 1e6))
        self._session = AccountSession(state, exchange, Clock(), market=lambda: self.market)
        self.market = MarketState(1e6)

    @property
    def state(self) -> AccountState:
        return self._session.state

    async def poll(self) -> None:
        self._session.record((await self._session.fetch(BALANCES)).state)

    async def ask(self, endpoint: Endpoint[OptionalResponse], seconds: float) -> None:
        """Ask it now, because it is a new schedule's first round; it has so many seconds."""
        now = Clock().monotonic()
        schedule = Schedule({each.name: 15.0 for each in OPTIONAL_ENDPOINTS}, now)
        shared_market = SharedMarket(schedule)
        shared_market.record(self.market)
        optional_requests = OptionalRequests(
            self._session, shared_market, clock=Clock(), endpoints=[endpoint]
        )
        await optional_requests.ask_due(None, now + seconds)
        self.market = shared_market.state

    def values(self) -> Mapping[str, str]:
        """Return what the page shows of the exchange."""
        exposition = Exposition(Clock().monotonic)
        exposition.put(self.state)
        exposition.put_market(self.market)
        return {
            name: value
            for name, value in samples_of(exposition).items()
            if not any(part in name for part in ("endpoint_", "poll", "success", "skew"))
        }


@pytest.mark.parametrize(
    ("fault", "endpoint"), CASES, ids=[f"{fault} on {each.name}" for fault, each in CASES]
)
async def test_fault_of_an_optional_endpoint_is_its_own(
    fault: str, endpoint: Endpoint[OptionalResponse]
) -> None:
    async with (
        Simulator(CONFIG) as simulator,
        Connection(ssl.create_default_context()) as connection,
    ):
        exporter = Exporter(simulator, connection)
        await exporter.poll()
        await exporter.ask(endpoint, 10.0)
        before = exporter.values()

        simulator.fault_endpoint, simulator.fault = endpoint.name, fault
        await exporter.ask(endpoint, patience_seconds(fault))
        during, asked = exporter.values(), exporter.state.endpoints[endpoint.name]
        await exporter.poll()
        polled = exporter.values()

        simulator.fault = None
        await exporter.ask(endpoint, 10.0)

    assert asked.is_up == FAULTS[fault].accepted
    assert sum(asked.failures.values()) == (not asked.is_up)
    assert before == during == polled == exporter.values()
    assert exporter.state.endpoints[endpoint.name].is_up
    assert (exporter.state.is_up, sum(exporter.state.failures.values())) == (True, 0)
