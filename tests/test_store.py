from exporter.errors import NetworkError, PollTimeoutError, WrongAccountError
from exporter.novelty import Novelty
from exporter.snapshot import parse_snapshot
from exporter.store import AccountState, Store
from tests.answers import answer_with
from tests.states import ACCOUNT, at, polled


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

    assert state.novelties == {Novelty("label", "DANGER")}


def test_store_keeps_the_order_of_the_configuration(documented_answer: bytes) -> None:
    store = Store([ACCOUNT])
    state = polled(documented_answer)

    store.put(state)

    assert store.states() == (state,)
