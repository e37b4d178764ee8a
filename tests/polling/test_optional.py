"""What the loop of an account asks between polls, on a clock that stands still."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import pytest

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.client import Exchange, Response
from exporter.bitopro.endpoints import (
    BORROW_TERMS,
    MARK_PRICE,
    OPTIONAL_ENDPOINTS,
    Endpoint,
)
from exporter.errors import (
    AuthenticationError,
    ClockError,
    ContentTypeError,
    FramingError,
    HTTPStatusError,
    JSONError,
    NetworkError,
    NotAskedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    RedirectError,
    SchemaError,
    TLSError,
    TooLargeError,
    WrongAccountError,
)
from exporter.polling.optional import OptionalRequests, Schedule, SharedMarket
from exporter.polling.poller import poll_forever
from exporter.polling.session import AccountSession, log_changes
from exporter.state import AccountState
from tests.bitopro.answers import documented_balances, example
from tests.clocks import ManualClock
from tests.states import ACCOUNT, polled

pytestmark = pytest.mark.anyio

PRICES, LIQUIDATIONS, TERMS = (each.name for each in OPTIONAL_ENDPOINTS)
SHARED = {MARK_PRICE.name: 15.0, BORROW_TERMS.name: 300.0}
NOT_FOUND = HTTPStatusError("404: no", 404)


class Hang:
    """An outcome that lasts until its deadline."""


class NoSlot:
    """An outcome without a request."""


Outcome = Exception | Hang | NoSlot | None


class Asked(NamedTuple):
    """A request to an optional endpoint: when, and with which deadline."""

    at: float
    endpoint: str
    deadline_seconds: float


class Script:
    """An exchange with an outcome per endpoint; balances take some time, and the others too."""

    def __init__(
        self,
        time: ManualClock,
        outcomes: Mapping[str, Outcome] | None = None,
        *,
        polls: Callable[[float], PollError | None] = lambda _: None,
        poll_seconds: float = 0.25,
        answer_seconds: float = 0.0,
    ) -> None:
        self.polled_at: list[float] = []
        self.asked: list[Asked] = []
        self.outcomes = dict(outcomes or {})
        self._time = time
        self.polls = polls
        self._poll_seconds = poll_seconds
        self._answer_seconds = answer_seconds

    async def fetch(
        self, endpoint: Endpoint[object], deadline_seconds: float | None = None
    ) -> Response[object]:
        if deadline_seconds is None:
            return self._polled()
        self.asked.append(Asked(self._time.monotonic_seconds, endpoint.name, deadline_seconds))
        outcome = self.outcomes.get(endpoint.name)
        if isinstance(outcome, NoSlot):
            raise NotAskedError("no")
        if isinstance(outcome, Hang):
            self._time.advance(deadline_seconds)
            raise PollTimeoutError("no")
        self._time.advance(min(self._answer_seconds, deadline_seconds))
        if outcome is not None:
            raise outcome
        return Response(endpoint.parse(example(endpoint.name)), None)

    def _polled(self) -> Response[Snapshot]:
        now = self._time.monotonic_seconds
        self.polled_at.append(now)
        self._time.advance(self._poll_seconds)
        if error := self.polls(now):
            raise error
        return Response(parse_snapshot(documented_balances()), None)

    def times(self, endpoint: str) -> list[float]:
        """Return when an endpoint was asked, in seconds since the first poll."""
        return [each.at - self.polled_at[0] for each in self.asked if each.endpoint == endpoint]


class Loop:
    """A loop of an account on a manual clock, and what came of it."""

    def __init__(
        self,
        script: Script,
        time: ManualClock,
        shared: Schedule | None = None,
        *,
        state: AccountState | None = None,
        with_optional_requests: bool = True,
    ) -> None:
        self.states: list[AccountState] = []
        self._time = time
        self._session = AccountSession(
            state or AccountState(ACCOUNT), cast("Exchange", script), time.clock, self._publish
        )
        self.shared_market = SharedMarket(shared or Schedule(SHARED, time.monotonic_seconds))
        self.optional_requests = OptionalRequests(
            self._session, self.shared_market, clock=time.clock, draw=lambda: 0.0
        )
        self._in_between = self.optional_requests.ask_due if with_optional_requests else None

    def _publish(self, before: AccountState, after: AccountState) -> None:
        log_changes(before, after)
        self.states.append(after)

    async def run(self) -> AccountState:
        """Poll until the clock stops, and give the last state."""
        polling = asyncio.create_task(
            poll_forever(
                self._session,
                clock=self._time.clock,
                draw=lambda: 0.0,
                in_between=self._in_between,
            )
        )
        stopping = asyncio.create_task(self._time.stopped.wait())
        await asyncio.wait([polling, stopping], return_when=asyncio.FIRST_COMPLETED)
        polling.cancel()
        stopping.cancel()
        await asyncio.wait([polling, stopping])
        if not polling.cancelled():
            polling.result()
        return self.states[-1]


async def run(
    outcomes: Mapping[str, Outcome] | None = None,
    *,
    polls: int = 1,
    poll: Callable[[float], PollError | None] = lambda _: None,
    poll_seconds: float = 0.25,
    answer_seconds: float = 0.0,
) -> tuple[Script, AccountState]:
    """Run so many polls, each followed by what is due."""
    time = ManualClock(stop_after=polls)
    script = Script(
        time, outcomes, polls=poll, poll_seconds=poll_seconds, answer_seconds=answer_seconds
    )
    return script, await Loop(script, time).run()


def reasons(state: AccountState, endpoint: str) -> dict[str, int]:
    failures = state.endpoints[endpoint].failures
    return {reason: count for reason, count in failures.items() if count}


async def test_everything_is_asked_right_after_the_first_poll() -> None:
    script, state = await run()

    assert [each.endpoint for each in script.asked] == [PRICES, LIQUIDATIONS, TERMS]
    assert {name: each.is_up for name, each in state.endpoints.items()} == {
        PRICES: True,
        LIQUIDATIONS: True,
        TERMS: True,
    }


async def test_answers_become_liquidations_of_the_account_and_state_of_the_market() -> None:
    time = ManualClock(stop_after=1)
    loop = Loop(Script(time), time)

    state = await loop.run()

    assert state.liquidations is not None
    assert state.liquidations.serials == {9000000123, 9000000124}
    assert loop.shared_market.state.prices == MARK_PRICE.parse(example(PRICES))
    assert loop.shared_market.state.terms == BORROW_TERMS.parse(example(TERMS))
    assert loop.shared_market.state.prices_monotonic_seconds == 1000.25


async def test_each_is_asked_at_its_own_interval() -> None:
    script, _ = await run(polls=41)

    assert script.times(PRICES) == [15.0 * number + 0.25 for number in range(41)]
    assert script.times(LIQUIDATIONS) == [60.0 * number + 0.25 for number in range(11)]
    assert script.times(TERMS) == [0.25, 300.25, 600.25]


FAILURES: Mapping[str, Outcome] = {
    "hanging": Hang(),
    "unauthorised": AuthenticationError("no"),
    "not found": NOT_FOUND,
    "overloaded": HTTPStatusError("503", 503),
    "rate limited": RateLimitedError("no", 1e9),
    "unreachable": NetworkError("no"),
    "impostor": TLSError("no"),
    "garbled": JSONError("no"),
    "changed": SchemaError("no"),
    "busy": NoSlot(),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("answer_seconds", [0.0, 6.0, 1e9])
async def test_no_failure_of_them_moves_a_poll_of_the_balances(
    failure: Outcome, answer_seconds: float
) -> None:
    outcomes = dict.fromkeys([PRICES, LIQUIDATIONS, TERMS], failure)

    script, state = await run(outcomes, polls=40, answer_seconds=answer_seconds)

    assert script.polled_at == [1000.0 + 15.0 * number for number in range(40)]
    assert (state.polls, state.is_up, sum(state.failures.values())) == (40, True, 0)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_failing_polls_come_when_they_would_without_them(failure: Outcome) -> None:
    async def polled_at(*, with_optional_requests: bool) -> list[float]:
        time = ManualClock(stop_after=30)
        script = Script(
            time,
            dict.fromkeys([PRICES, LIQUIDATIONS, TERMS], failure),
            polls=lambda now: SchemaError("no") if 1060.0 <= now < 1300.0 else None,
        )
        await Loop(script, time, with_optional_requests=with_optional_requests).run()
        return script.polled_at

    assert await polled_at(with_optional_requests=True) == await polled_at(
        with_optional_requests=False
    )


async def test_failure_leaves_the_balances_as_they_are() -> None:
    outcomes = dict.fromkeys([PRICES, LIQUIDATIONS, TERMS], SchemaError("no"))

    _, state = await run(outcomes)

    assert state.received is not None
    assert state.received.snapshot == parse_snapshot(documented_balances())
    assert reasons(state, PRICES) == {"schema": 1}
    assert [each.is_up for each in state.endpoints.values()] == [False, False, False]


async def test_deadline_is_ten_seconds_where_there_is_time() -> None:
    script, _ = await run()

    assert [each.deadline_seconds for each in script.asked] == [10.0, 10.0, 10.0]


async def test_deadline_ends_before_the_next_poll_of_the_balances() -> None:
    script, _ = await run(poll_seconds=9.0)

    assert script.asked[0].deadline_seconds == pytest.approx(15.0 - 9.0 - 0.3)


async def test_nothing_is_asked_where_too_little_time_is_left() -> None:
    script, state = await run(polls=3, poll_seconds=14.6)

    assert script.asked == []
    assert dict(state.endpoints) == {}


async def test_nothing_is_asked_when_polls_take_longer_than_their_interval() -> None:
    script, _ = await run(polls=3, poll_seconds=40.0)

    assert script.asked == []


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no"),
        RateLimitedError("no"),
        NetworkError("no"),
        TLSError("no"),
        PollTimeoutError("no"),
        ClockError("no"),
        WrongAccountError("no"),
    ],
    ids=lambda error: error.reason,
)
async def test_nothing_is_asked_after_a_poll_that_says_it_would_fail_too(error: PollError) -> None:
    script, _ = await run(polls=5, poll=lambda _: error)

    assert script.asked == []


BROKEN_BALANCES = pytest.mark.parametrize(
    "error",
    [
        HTTPStatusError("503", 503),
        SchemaError("no"),
        JSONError("no"),
        FramingError("no"),
        ContentTypeError("no"),
        RedirectError("no"),
        TooLargeError("no"),
    ],
    ids=lambda error: error.reason,
)


@BROKEN_BALANCES
async def test_balances_that_are_broken_for_themselves_silence_nothing(error: PollError) -> None:
    script, _ = await run(polls=5, poll=lambda now: error if now > 1000.0 else None)

    again = [each.endpoint for each in script.asked if each.at > 1060.0]
    assert again[:2] == [LIQUIDATIONS, PRICES]


@BROKEN_BALANCES
async def test_liquidations_are_not_asked_before_balances_have_told_whose_key_it_is(
    error: PollError,
) -> None:
    script, state = await run(poll=lambda _: error)

    assert [each.endpoint for each in script.asked] == [PRICES, TERMS]
    assert LIQUIDATIONS not in state.endpoints


@pytest.mark.parametrize(
    "error", [AuthenticationError("401"), NOT_FOUND], ids=["401 or 403", "404"]
)
async def test_endpoint_that_is_not_available_is_tried_every_quarter_of_an_hour(
    error: PollError,
) -> None:
    script, state = await run(dict.fromkeys([PRICES, LIQUIDATIONS, TERMS], error), polls=125)

    assert script.times(PRICES) == [0.25, 900.25, 1800.25]
    assert len(script.times(LIQUIDATIONS)) == len(script.times(TERMS)) == 3
    assert not state.endpoints[PRICES].is_available


async def test_server_error_is_no_unavailability() -> None:
    script, state = await run({LIQUIDATIONS: HTTPStatusError("503", 503)}, polls=20)

    assert state.endpoints[LIQUIDATIONS].is_available
    assert len(script.times(LIQUIDATIONS)) > 2


async def test_unavailable_endpoint_is_tried_at_once_when_the_key_is_mended() -> None:
    def poll(now: float) -> PollError | None:
        return AuthenticationError("no") if 1010.0 < now < 1100.0 else None

    script, _ = await run({LIQUIDATIONS: AuthenticationError("403")}, polls=8, poll=poll)

    recovered_at = next(at for at in script.polled_at if at >= 1100.0) - 1000.0
    assert script.times(LIQUIDATIONS) == [0.25, recovered_at + 0.25]


async def test_other_failures_back_off() -> None:
    script, _ = await run({PRICES: SchemaError("no")}, polls=16)

    assert script.times(PRICES) == [0.25, 15.25, 45.25, 105.25, 165.25, 225.25]


async def test_success_ends_the_backoff() -> None:
    time = ManualClock(stop_after=8)
    script = Script(time, {PRICES: SchemaError("no")})

    def recover(now: float) -> None:
        if now > 1040.0:
            script.outcomes.clear()

    script.polls = recover
    await Loop(script, time).run()

    assert script.times(PRICES) == [0.25, 15.25, 45.25, 60.25, 75.25, 90.25, 105.25]


async def test_too_many_requests_pause_every_optional_one_of_the_key() -> None:
    script, _ = await run({PRICES: RateLimitedError("no", 100.0)}, polls=8)

    assert [(each.at - 1000.0, each.endpoint) for each in script.asked] == [
        (0.25, PRICES),
        (105.25, LIQUIDATIONS),
        (105.25, TERMS),
        (105.25, PRICES),
    ]


@pytest.mark.parametrize(
    "error", [NetworkError("no"), TLSError("no"), PollTimeoutError("no"), ClockError("no")]
)
async def test_outage_ends_the_round(error: PollError) -> None:
    script, _ = await run({PRICES: error})

    assert [each.endpoint for each in script.asked] == [PRICES]


async def test_endpoint_that_hangs_does_not_starve_the_others() -> None:
    script, state = await run({PRICES: Hang()}, polls=3, poll_seconds=8.0)

    assert [each.endpoint for each in script.asked] == [PRICES, LIQUIDATIONS, TERMS, PRICES]
    assert state.endpoints[LIQUIDATIONS].is_up


async def test_where_there_is_time_for_one_alone_they_take_turns() -> None:
    script, _ = await run(polls=4, poll_seconds=8.0, answer_seconds=6.6)

    assert [each.endpoint for each in script.asked] == [PRICES, LIQUIDATIONS, TERMS, PRICES]


async def test_without_a_free_slot_nothing_is_counted_and_the_next_round_asks() -> None:
    script, state = await run({PRICES: NoSlot()}, polls=3)

    assert script.times(PRICES) == [0.25, 15.25, 30.25]
    assert PRICES not in state.endpoints


async def test_bug_ends_the_loop() -> None:
    with pytest.raises(ZeroDivisionError):
        await run({PRICES: ZeroDivisionError()})


async def test_of_two_accounts_one_asks_for_prices() -> None:
    time = ManualClock()
    shared = Schedule(SHARED, time.monotonic_seconds)
    one, other = Script(time), Script(time)
    state, due = polled(documented_balances()), time.monotonic_seconds + 15.0

    await Loop(one, time, shared, state=state).optional_requests.ask_due(None, due)
    await Loop(other, time, shared, state=state).optional_requests.ask_due(None, due)

    assert [each.endpoint for each in one.asked] == [PRICES, LIQUIDATIONS, TERMS]
    assert [each.endpoint for each in other.asked] == [LIQUIDATIONS]


@pytest.mark.parametrize(
    "failure", [AuthenticationError("403"), NOT_FOUND, SchemaError("no"), Hang()]
)
async def test_account_that_fails_is_replaced_by_the_next_one(failure: Outcome) -> None:
    time = ManualClock()
    shared = Schedule(SHARED, time.monotonic_seconds)
    broken, healthy = Script(time, {PRICES: failure}), Script(time)
    state, due = polled(documented_balances()), time.monotonic_seconds + 30.0
    reconfigured = Loop(healthy, time, shared, state=state)

    await Loop(broken, time, shared, state=state).optional_requests.ask_due(None, due)
    await reconfigured.optional_requests.ask_due(None, due)

    assert PRICES in {each.endpoint for each in healthy.asked}
    assert reconfigured.shared_market.state.prices is not None


async def test_what_is_not_on_the_shared_rota_is_not_asked() -> None:
    time = ManualClock(stop_after=3)
    script = Script(time)

    await Loop(script, time, Schedule({}, 0.0)).run()

    assert {each.endpoint for each in script.asked} == {LIQUIDATIONS}


async def test_transitions_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    time = ManualClock(stop_after=130)
    script = Script(time, {LIQUIDATIONS: AuthenticationError("403: no")})

    def recover(now: float) -> None:
        if now > 2000.0:
            script.outcomes.clear()

    script.polls = recover
    await Loop(script, time).run()

    logged = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if "endpoint" in vars(record)
    ]
    assert logged == [
        ("WARNING", "endpoint not available to this key"),
        ("INFO", "first optional request succeeded"),
    ]


async def test_log_names_account_endpoint_reason_and_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await run({LIQUIDATIONS: SchemaError("serial: missing")})

    logged = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
    assert [
        (each["account"], each["endpoint"], each["reason"], each["detail"])
        for each in logged
        if "endpoint" in each
    ] == [("main", LIQUIDATIONS, "schema", "serial: missing")]
