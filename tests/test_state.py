import json
from dataclasses import replace

import pytest

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.consistency import Undocumented
from exporter.bitopro.endpoints import USER_LIQUIDATIONS
from exporter.errors import (
    AuthenticationError,
    HTTPStatusError,
    NetworkError,
    PollError,
    PollTimeoutError,
    WrongAccountError,
)
from exporter.state import AccountState, Store
from tests.bitopro.answers import answer_with
from tests.states import ACCOUNT, asked, at, polled


def test_account_is_not_up_before_its_first_poll() -> None:
    state = AccountState(ACCOUNT)

    assert (state.is_up, state.is_tried, state.is_fresh(0.0)) == (False, False, False)


def test_success_makes_it_up_and_fresh(documented_answer: bytes) -> None:
    state = polled(documented_answer)

    assert (state.is_up, state.is_tried, state.is_fresh(0.0)) == (True, True, True)


def test_first_failure_takes_it_down_and_keeps_the_snapshot(documented_answer: bytes) -> None:
    state = polled(documented_answer).after_failure(NetworkError("no"), at(15.0))

    assert not state.is_up
    assert state.snapshot == parse_snapshot(documented_answer)


def test_failure_is_counted_under_its_reason_alone() -> None:
    state = (
        AccountState(ACCOUNT)
        .after_failure(NetworkError("no"), at(0.0))
        .after_failure(PollTimeoutError("no"), at(15.0))
        .after_failure(NetworkError("no"), at(30.0))
    )

    assert (state.polls, state.failures["network"], state.failures["timeout"]) == (3, 2, 1)
    assert sum(state.failures.values()) == 3


def test_success_timestamp_moves_only_with_success(documented_answer: bytes) -> None:
    state = polled(documented_answer, 0.0).after_failure(NetworkError("no"), at(15.0))

    assert state.last_success_timestamp_seconds == 1_700_000_000.0


def test_snapshot_is_fresh_until_stale_after_and_not_at_it(documented_answer: bytes) -> None:
    state = polled(documented_answer, 100.0)

    assert state.is_fresh(144.999)
    assert not state.is_fresh(145.0)


def test_answer_of_another_account_takes_the_values_away(documented_answer: bytes) -> None:
    state = polled(documented_answer).after_failure(WrongAccountError("no"), at(15.0))

    assert state.snapshot is None
    assert not state.is_fresh(15.0)


def test_same_answer_again_keeps_the_time_of_the_last_change(documented_answer: bytes) -> None:
    snapshot = parse_snapshot(documented_answer)

    state = polled(documented_answer, 0.0).after_success(snapshot, at(15.0), None)

    assert state.received is not None
    assert state.received.changed_timestamp_seconds == 1_700_000_000.0


def test_other_answer_moves_the_time_of_the_last_change(documented_answer: bytes) -> None:
    snapshot = parse_snapshot(answer_with("totalAssetAmount", "748279.60832070"))

    state = polled(documented_answer, 0.0).after_success(snapshot, at(15.0), None)

    assert state.received is not None
    assert state.received.changed_timestamp_seconds == 1_700_000_015.0


def test_since_tells_when_failure_began_and_when_it_ended(documented_answer: bytes) -> None:
    snapshot = parse_snapshot(documented_answer)
    failing = polled(documented_answer).after_failure(NetworkError("no"), at(15.0))
    still_failing = failing.after_failure(PollTimeoutError("no"), at(30.0))
    well = still_failing.after_success(snapshot, at(45.0), None)
    still_well = well.after_success(snapshot, at(60.0), None)

    assert still_failing.since_timestamp_seconds == 1_700_000_015.0
    assert still_well.since_timestamp_seconds == 1_700_000_045.0


def test_clock_skew_is_that_of_the_last_answer(documented_answer: bytes) -> None:
    error = NetworkError("no answer, so no Date")

    state = polled(documented_answer).after_failure(error, at(15.0))

    assert state.clock_skew_seconds is None


def test_novelties_stay_known_after_they_are_gone(documented_answer: bytes) -> None:
    snapshot = parse_snapshot(documented_answer)

    state = polled(answer_with("adRatioLabel", "DANGER")).after_success(snapshot, at(15.0), None)

    assert state.undocumented == {Undocumented("label", "DANGER")}


def test_store_keeps_the_order_of_the_configuration(documented_answer: bytes) -> None:
    store = Store([ACCOUNT])
    state = polled(documented_answer)

    store.put(state)

    assert store.states() == (state,)


def test_optional_answer_touches_nothing_of_the_polls(documented_answer: bytes) -> None:
    before = polled(documented_answer)

    after = asked(before, 5.0)

    untouched = replace(after, endpoints={}, liquidations=None, undocumented=frozenset())
    assert replace(untouched, assessment=before.assessment) == replace(before, endpoints={})


@pytest.mark.parametrize(
    ("error", "is_available"),
    [
        (AuthenticationError("401"), False),
        (HTTPStatusError("404", 404), False),
        (HTTPStatusError("503", 503), True),
        (NetworkError("no"), True),
    ],
)
def test_failed_optional_request_is_counted_and_touches_nothing_else(
    documented_answer: bytes, error: PollError, *, is_available: bool
) -> None:
    before = asked(polled(documented_answer))

    after = before.after_no_answer(USER_LIQUIDATIONS.name, error)

    failing = after.endpoints[USER_LIQUIDATIONS.name]
    assert (failing.is_up, failing.is_available) == (False, is_available)
    assert failing.failures[error.reason] == sum(failing.failures.values()) == 1
    assert failing.last_success_timestamp_seconds == 1_700_000_000.0
    assert replace(after, endpoints={}) == replace(before, endpoints={})


def test_finished_liquidation_is_counted_once_and_for_good() -> None:
    none = USER_LIQUIDATIONS.parse(b'{"liquidations": null, "liquidationsAmount": 0}')
    state = asked(asked(AccountState(ACCOUNT)), 60.0)
    name = USER_LIQUIDATIONS.name
    state = state.after_answer(name, none, at(120.0))

    assert state.liquidations is not None
    assert len(state.liquidations.serials) == 2
    assert state.liquidations.latest is None


def test_latest_liquidation_is_the_one_that_ended_last() -> None:
    counts = asked(AccountState(ACCOUNT)).liquidations

    assert counts is not None
    assert counts.latest is not None
    assert counts.latest.serial == 9000000124


def test_endless_serials_do_not_fill_the_memory() -> None:
    row = {"status": 2, "type": 1, "debtCurrency": "A", "debtAmount": "1"}
    state = AccountState(ACCOUNT)
    for start in range(0, 60_000, 5_000):
        rows = [
            {**row, "serial": start + number, "finishTimestamp": 1_700_000_000}
            for number in range(5_000)
        ]
        body = json.dumps({"liquidations": rows, "liquidationsAmount": 5_000}).encode()
        response = USER_LIQUIDATIONS.parse(body)
        state = state.after_answer(USER_LIQUIDATIONS.name, response, at(0.0))

    assert state.liquidations is not None
    assert len(state.liquidations.serials) == 10_000


def test_answer_of_another_account_takes_the_liquidations_away() -> None:
    state = asked(AccountState(ACCOUNT)).after_failure(WrongAccountError("no"), at(15.0))

    assert state.liquidations is None


@pytest.mark.parametrize(
    ("stale_after_seconds", "expires_at"), [(45.0, 280.0), (180.0, 280.0), (1800.0, 1900.0)]
)
def test_liquidations_outlast_the_longest_time_between_requests(
    stale_after_seconds: float, expires_at: float
) -> None:
    account = replace(ACCOUNT, stale_after_seconds=stale_after_seconds)

    state = asked(AccountState(account), 100.0)

    assert state.liquidations_expire_at_monotonic_seconds == expires_at


def test_account_has_no_liquidations_before_an_answer() -> None:
    assert AccountState(ACCOUNT).liquidations_expire_at_monotonic_seconds == float("-inf")
