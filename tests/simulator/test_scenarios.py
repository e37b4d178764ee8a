import re
from dataclasses import replace

import pytest

from exporter.cli.drill_watchers import STAGES
from exporter.simulator.books import Ledger, opening_books
from exporter.simulator.documents import Document, balances_document
from exporter.simulator.market import SCENARIO_TABLE, STEP_SECONDS, currencies, prices

CODES = currencies(3)


def ledger(scenario: str, number: int = 1) -> Ledger:
    story = SCENARIO_TABLE[scenario]
    return Ledger(story, CODES, opening_books(story, number, CODES))


def document(scenario: str, second: int, number: int = 1) -> Document:
    marks = prices(SCENARIO_TABLE[scenario].course, CODES, second)
    return balances_document(ledger(scenario, number).at(second), marks)


@pytest.mark.parametrize(
    ("second", "ratio", "label"),
    [
        (0, "1.80", "SAFETY_THRESHOLD"),
        (360, "1.48", "SAFETY_THRESHOLD"),
        (540, "1.28", "WARNING_THRESHOLD"),
        (640, "1.17", "LIQUIDATION_THRESHOLD"),
        (660, "1.39", "SAFETY_THRESHOLD"),
        (900, "1.88", "SAFETY_THRESHOLD"),
        (7200, "1.88", "SAFETY_THRESHOLD"),
    ],
)
def test_flash_crash_falls_through_the_thresholds_and_recovers(
    second: int, ratio: str, label: str
) -> None:
    shown = document("flash-crash", second)

    assert (shown["adRatio"], shown["adRatioLabel"]) == (ratio, label)


def test_drill_has_the_ratios_that_it_tells_and_takes_twelve_minutes() -> None:
    told = [re.findall(r"\d\.\d\d", stage.happens) for stage in STAGES if not stage.fault]
    shown = [
        [str(document("drill", stage.step * STEP_SECONDS)["adRatio"])]
        for stage in STAGES
        if not stage.fault
    ]

    assert told == shown
    # Without watchers; with them, a stage ends when its alert is seen.
    assert sum(stage.lasts_seconds for stage in STAGES) == 12 * 60


@pytest.mark.parametrize(
    ("second", "number", "liquidations"), [(659, 1, 0), (660, 1, 1), (86_400, 1, 1), (86_400, 2, 0)]
)
def test_flash_crash_liquidates_the_first_account_once(
    second: int, number: int, liquidations: int
) -> None:
    books = ledger("flash-crash", number).at(second)

    assert len(books.liquidations) == liquidations


@pytest.mark.parametrize(("number", "lowest"), [(2, "1.39"), (3, "3.17")])
def test_flash_crash_leaves_other_accounts_safer(number: int, lowest: str) -> None:
    assert document("flash-crash", 720, number)["adRatio"] == lowest


@pytest.mark.parametrize(("number", "ratio"), [(0, "1.80"), (1, "1.80"), (2, "2.50"), (3, "5.00")])
def test_calm_accounts_open_with_ratios_of_their_own(number: int, ratio: str) -> None:
    assert document("calm", 0, number)["adRatio"] == ratio


def test_calm_prices_move_little_by_little() -> None:
    before, after = (prices("wander", CODES, second)["BTC"] for second in (100, 115))

    assert before != after
    assert abs(after / before - 1) < 0.005


@pytest.mark.parametrize(
    ("hours", "ratio"), [(0, "1.53"), (1, "1.51"), (2, "1.50"), (3, "1.48"), (10, "1.39")]
)
def test_interest_drift_falls_below_one_point_five_within_hours(hours: int, ratio: str) -> None:
    assert document("interest-drift", 3600 * hours)["adRatio"] == ratio


def test_account_without_debt_reports_a_ratio_of_zero() -> None:
    shown = document("no-debt", 3600)

    assert (shown["adRatio"], shown["totalDebtAmount"], shown["adRatioLabel"]) == (
        "0",
        "0.00000000",
        "SAFETY_THRESHOLD",
    )


@pytest.mark.parametrize("scenario", ["calm", "flash-crash", "interest-drift", "no-debt"])
def test_books_do_not_depend_on_how_often_they_are_looked_at(scenario: str) -> None:
    often = ledger(scenario)

    looks = [often.at(second) for second in range(0, 8001, 7)]

    assert looks[-1] == ledger(scenario).at(7994)


@pytest.mark.parametrize("count", [2, 3, 20, 501])
def test_account_has_as_many_currencies_as_asked_for(count: int) -> None:
    codes = currencies(count)

    books = opening_books(SCENARIO_TABLE["calm"], 0, codes)

    assert len(set(codes)) == len(books.holdings) == count


def test_accounts_differ_in_every_owned_amount() -> None:
    story = SCENARIO_TABLE["calm"]

    # Accounts 3 and 5 have the same ratio.
    third, fifth = (opening_books(story, number, CODES) for number in (3, 5))

    assert replace(third, account_id=fifth.account_id) != fifth
