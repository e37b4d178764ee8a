"""The matrix: every bad state alarms within eight minutes, no good state does."""

import pytest

from tests.alerts.account_states import BAD, END, GOOD, START, State
from tests.alerts.scenarios import Timeline
from tests.alerts.sequences import BELOW_UNTIL_30, REPAID_AT_15

PAGES = ["critical"]


def _ids(state: State) -> str:
    return state.name


@pytest.mark.parametrize("state", BAD, ids=_ids)
def test_bad_state_pages_within_eight_minutes(states: Timeline, state: State) -> None:
    assert min(states.about(state.name, PAGES), default=99) in range(START, START + 9)


@pytest.mark.parametrize("state", BAD, ids=_ids)
def test_bad_state_pages_without_a_pause_until_it_ends(states: Timeline, state: State) -> None:
    minutes = sorted(states.about(state.name, PAGES))

    assert set(range(minutes[0], END)) <= set(minutes)


@pytest.mark.parametrize("state", BAD, ids=_ids)
def test_bad_state_that_has_ended_no_longer_pages(states: Timeline, state: State) -> None:
    assert max(states.about(state.name, PAGES)) < END + 12


@pytest.mark.parametrize("state", GOOD, ids=_ids)
def test_good_state_raises_nothing(states: Timeline, state: State) -> None:
    assert states.about(state.name) == {}


@pytest.mark.parametrize("state", BELOW_UNTIL_30, ids=_ids)
def test_liquidation_fires_until_it_is_proven_to_be_over(sequences: Timeline, state: State) -> None:
    minutes = sequences.minutes("BitoproMarginRatioLiquidation", {"account": state.name})

    assert set(range(10, 30)) <= set(minutes)


@pytest.mark.parametrize("state", BELOW_UNTIL_30, ids=_ids)
def test_liquidation_resolves_once_it_is_proven_to_be_over(
    sequences: Timeline, state: State
) -> None:
    minutes = sequences.minutes("BitoproMarginRatioLiquidation", {"account": state.name})

    assert max(minutes) < 36


def test_ratio_from_before_a_repayment_does_not_come_back(sequences: Timeline) -> None:
    minutes = sequences.minutes("BitoproMarginRatioLiquidation", {"account": REPAID_AT_15.name})

    assert max(minutes) < 21
