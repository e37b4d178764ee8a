import json

import pytest

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.consistency import contradictions
from tests.bitopro.answers import answer_with, balance_with, documented

NOTHING = {"ad_ratio": False, "debt": False, "total_amount": False}


def test_documented_example_agrees_with_itself(documented_answer: bytes) -> None:
    assert contradictions(parse_snapshot(documented_answer)) == NOTHING


@pytest.mark.parametrize("ratio", ["5.76", "5.7600", "5.7638"])
def test_truncated_and_longer_ratios_fit_their_totals(ratio: str) -> None:
    snapshot = parse_snapshot(answer_with("adRatio", ratio))

    assert contradictions(snapshot) == NOTHING


@pytest.mark.parametrize("ratio", ["5.77", "5.75", "0", "57.6", "0.17"])
def test_ratio_that_does_not_fit_its_totals_is_flagged(ratio: str) -> None:
    snapshot = parse_snapshot(answer_with("adRatio", ratio))

    assert contradictions(snapshot) == {**NOTHING, "ad_ratio": True}


@pytest.mark.parametrize("ratio", ["1.29", "1.30"])
def test_totals_rounded_up_to_a_step_of_the_ratio_fit_both_sides(ratio: str) -> None:
    answer = answer_with(
        "adRatio", ratio, totalAssetAmount="1.30000000", totalDebtAmount="1.00000000"
    )

    assert contradictions(parse_snapshot(answer)) == NOTHING


def test_total_that_was_rounded_up_to_the_next_ratio_still_fits() -> None:
    answer = answer_with(
        "adRatio", "1.29", totalAssetAmount="1.30000000", totalDebtAmount="0.99999999"
    )

    assert contradictions(parse_snapshot(answer)) == NOTHING


@pytest.mark.parametrize("ratio", ["1.28", "1.31"])
def test_totals_at_a_step_of_the_ratio_fit_no_further_step(ratio: str) -> None:
    answer = answer_with(
        "adRatio", ratio, totalAssetAmount="1.30000000", totalDebtAmount="1.00000000"
    )

    assert contradictions(parse_snapshot(answer)) == {**NOTHING, "ad_ratio": True}


def test_ratio_over_a_debt_of_one_step_fits_as_far_as_the_totals_tell() -> None:
    answer = answer_with(
        "adRatio", "66666666.66", totalAssetAmount="1.00000000", totalDebtAmount="0.00000001"
    )

    assert contradictions(parse_snapshot(answer)) == NOTHING


def test_borrowed_currency_without_total_debt_is_flagged() -> None:
    snapshot = parse_snapshot(answer_with("totalDebtAmount", "0", adRatio="0"))

    assert contradictions(snapshot) == {**NOTHING, "debt": True}


@pytest.mark.parametrize(
    ("total", "interest", "is_contradicted"),
    [
        # Of a currency at 0.00001 USDT, the first is worth a thousandth of the total's last digit.
        ("0.00000000", "0.00000100", False),
        ("0.00000000", "0.00000001", False),
        ("0.00000000", "0.00000101", True),
        ("0.00000000", "0.00100000", True),
        ("0.00000001", "0.00000001", False),
        ("0.00000001", "0.00000000", False),
        ("0.00000002", "0.00000000", True),
    ],
)
def test_dust_of_debt_is_granted_the_last_digit_of_the_total(
    total: str, interest: str, *, is_contradicted: bool
) -> None:
    document = documented()
    for balance in document["balances"].values():
        balance.update(borrowAmount="0.00000000", borrowInterestAmount="0.00000000")
    document["balances"]["BTC"]["borrowInterestAmount"] = interest
    document.update(totalDebtAmount=total, adRatio="0")

    found = contradictions(parse_snapshot(json.dumps(document).encode()))

    assert found["debt"] is is_contradicted


def test_total_debt_without_borrowed_currency_is_flagged() -> None:
    document = documented()
    for balance in document["balances"].values():
        balance.update(borrowAmount="0", borrowInterestAmount="0")

    snapshot = parse_snapshot(json.dumps(document).encode())

    assert contradictions(snapshot) == {**NOTHING, "debt": True}


def test_total_other_than_available_plus_traded_is_flagged() -> None:
    snapshot = parse_snapshot(balance_with("tradedAmount", "0.00000001"))

    assert contradictions(snapshot) == {**NOTHING, "total_amount": True}
