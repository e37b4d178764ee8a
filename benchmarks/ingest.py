"""What a poll costs, step by step, and as a whole over a real socket."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import data
from benchmarks.simulated import simulator
from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import BALANCES
from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE, RequestBudget
from exporter.bitopro.signing import Credentials, NonceSource, signed_headers
from exporter.bitopro.transport import Connection
from exporter.clock import Clock
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.page import Exposition
from exporter.polling.session import AccountSession
from exporter.service.process import client_ssl_context
from exporter.state import AccountState, PollTimes, Store

_CREDENTIALS = Credentials("demo-key", "demo-secret", "demo@example.com")
_ROUNDS = 200
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Row:
    """The CPU time of a step of one poll, an account of 20 currencies."""

    step: str
    cpu_us: float


def measure() -> list[Row]:
    """Measure each step on its own, then whole polls."""
    bodies = [data.answer(0, round_) for round_ in range(_ROUNDS)]
    snapshots = [parse_snapshot(body) for body in bodies]
    before = AccountState(data.account(0))
    states = [data.polled(before, 0, round_, 0.0) for round_ in range(_ROUNDS)]
    market = data.market(0.0)
    exposition = Exposition(time.monotonic, ExporterMetrics())
    with simulator() as base_url:
        whole, request = asyncio.run(_whole_polls(base_url))
    return [
        Row("sign", _median_us(lambda n: signed_headers(_CREDENTIALS, n))),
        Row("parse and verify", _median_us(lambda n: parse_snapshot(bodies[n]))),
        Row(
            "state",
            _median_us(
                lambda n: before.after_success(snapshots[n], PollTimes(0.0, 0.0, 0.1), 0.25)
            ),
        ),
        Row("risk", _median_us(lambda n: states[n].assessed(market, 0.0))),
        Row("render, every amount changed", _median_us(lambda n: exposition.put(states[n]))),
        Row("render, nothing changed", _median_us(lambda _: exposition.put(states[0]))),
        Row("HTTP request alone", request),
        Row("whole poll, HTTP included", whole),
    ]


def accounts_per_core(poll_us: float) -> tuple[float, float]:
    """Return the share of a core that polls take at the budget, and what a core could poll."""
    polls_per_second = REQUESTS_PER_MINUTE / 60
    return polls_per_second * poll_us / 1e6, 1e6 / poll_us


def _median_us(step: Callable[[int], object]) -> float:
    return median(_seconds(step, number) for number in range(_ROUNDS)) * 1e6


def _seconds(step: Callable[[int], object], number: int) -> float:
    started = time.process_time()
    step(number)
    return time.process_time() - started


async def _whole_polls(base_url: str) -> tuple[float, float]:
    """Poll a simulator in another process.

    Returns the CPU time of a poll, and of its HTTP request alone, in microseconds.
    """
    clock = Clock()
    store = Store([data.account(0)])
    exposition = Exposition(clock.monotonic, ExporterMetrics())
    costs: list[float] = []
    requests: list[float] = []
    async with Connection(client_ssl_context()) as connection:
        exchange = Exchange(
            base_url=base_url,
            read_credentials=lambda: _CREDENTIALS,
            connection=connection,
            clock=clock,
            take_slot=RequestBudget(clock, requests_per_minute=1e9).take,
            deadline_seconds=10.0,
        )

        def publish(_: AccountState, state: AccountState) -> None:
            store.put(state)
            exposition.put(state)

        market = data.market(clock.monotonic())
        session = AccountSession(store.states()[0], exchange, clock, publish, lambda: market)
        for _ in range(_WARM_UP + _ROUNDS):
            started = time.process_time()
            outcome = await session.fetch(BALANCES)
            session.record(outcome.state)
            costs.append(time.process_time() - started)
            if outcome.error is not None:
                raise outcome.error
        nonces = NonceSource(clock.wall)
        for _ in range(_WARM_UP + _ROUNDS):
            headers = signed_headers(_CREDENTIALS, nonces.next_ms())
            started = time.process_time()
            await connection.get(base_url + BALANCES.path, headers)
            requests.append(time.process_time() - started)
    return median(costs[_WARM_UP:]) * 1e6, median(requests[_WARM_UP:]) * 1e6
