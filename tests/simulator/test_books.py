from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.books import (
    Books,
    Holding,
    Liquidation,
    accrue,
    ad_ratio,
    liquidate,
    needs_liquidation,
    totals,
)
from exporter.simulator.documents import balances_document, liquidations_document

amounts = st.decimals(min_value=0, max_value=10**9, places=8)
mark_prices = st.decimals(min_value=Decimal("0.00000001"), max_value=10**6, places=8)
holdings = st.builds(Holding, amounts, amounts, amounts, amounts)
markets = st.dictionaries(
    st.sampled_from(("BTC", "ETH", "SOL", "USDT")), st.tuples(holdings, mark_prices), min_size=1
)


@given(markets)
def test_totals_are_the_sums_of_amounts_times_prices_truncated(
    market: dict[str, tuple[Holding, Decimal]],
) -> None:
    books = Books("1", {code: holding for code, (holding, _) in market.items()})

    assets, debts = totals(books, {code: price for code, (_, price) in market.items()})

    assert Fraction(assets) * 10**8 == floor(
        10**8
        * sum(
            (Fraction(holding.available) + Fraction(holding.traded)) * Fraction(price)
            for holding, price in market.values()
        )
    )
    assert Fraction(debts) * 10**8 == floor(
        10**8
        * sum(
            (Fraction(holding.borrowed) + Fraction(holding.interest)) * Fraction(price)
            for holding, price in market.values()
        )
    )


@given(amounts, amounts.filter(bool))
def test_ratio_is_assets_by_debts_truncated_to_two_decimals(
    assets: Decimal, debts: Decimal
) -> None:
    assert Fraction(ad_ratio(assets, debts)) * 100 == floor(
        100 * Fraction(assets) / Fraction(debts)
    )


@pytest.mark.parametrize(
    ("assets", "debts", "shown"),
    [
        ("748279.60832069", "129823.00462234", "5.76"),
        ("1.19999999", "1", "1.19"),
        ("1.2", "1", "1.20"),
        ("5", "0", "0"),
    ],
)
def test_ratio_reads_as_the_exchange_writes_it(assets: str, debts: str, shown: str) -> None:
    books = Books("1", {"USDT": Holding(available=Decimal(assets), borrowed=Decimal(debts))})

    document = balances_document(books, {"USDT": Decimal(1)})

    assert document["adRatio"] == shown


@pytest.mark.parametrize(
    ("assets", "label"),
    [
        ("1.3", "SAFETY_THRESHOLD"),
        ("1.29", "WARNING_THRESHOLD"),
        ("1.2", "WARNING_THRESHOLD"),
        ("1.19", "LIQUIDATION_THRESHOLD"),
    ],
)
def test_label_follows_the_ratio(assets: str, label: str) -> None:
    books = Books("1", {"USDT": Holding(available=Decimal(assets), borrowed=Decimal(1))})

    document = balances_document(books, {"USDT": Decimal(1)})

    assert document["adRatioLabel"] == label


@pytest.mark.parametrize(
    ("principal", "percentage", "hours_interest"),
    [
        pytest.param("8760", "100", "1.00000000", id="exact"),
        pytest.param("8760.00000001", "100", "1.00000001", id="rounded up"),
        pytest.param("0.00000001", "1", "0.00000001", id="never nothing"),
        pytest.param("0", "1", "0", id="no principal"),
    ],
)
def test_an_hour_of_interest_is_rounded_up(
    principal: str, percentage: str, hours_interest: str
) -> None:
    books = Books("1", {"USDT": Holding(borrowed=Decimal(principal))})

    charged = accrue(books, Decimal(percentage))

    assert charged.holdings["USDT"].interest == Decimal(hours_interest)


def test_interest_is_charged_on_the_principal_alone() -> None:
    books = Books("1", {"USDT": Holding(borrowed=Decimal(8760), interest=Decimal(500))})

    charged = accrue(books, Decimal(100))

    assert charged.holdings["USDT"].interest == Decimal(501)


def test_liquidation_sells_assets_repays_debt_and_takes_one_percent() -> None:
    books = Books(
        "1",
        {
            "BTC": Holding(available=Decimal("0.9"), traded=Decimal("0.2")),
            "USDT": Holding(borrowed=Decimal(950), interest=Decimal(50)),
        },
    )
    prices = {"BTC": Decimal(1000), "USDT": Decimal(1)}

    after = liquidate(books, prices, second=60)

    # (1100 - 1.01 x) / (1000 - x) = 1.4 has the solution x = 300 / 0.39.
    assert after == Books(
        "1",
        {
            "BTC": Holding(available=Decimal("0.12307692"), traded=Decimal("0.2")),
            "USDT": Holding(borrowed=Decimal("230.76923077"), interest=Decimal(0)),
        },
        (
            Liquidation(
                second=60,
                debt_currency="USDT",
                debt_amount=Decimal("769.23076923"),
                asset_currency="BTC",
                asset_amount=Decimal("0.77692308"),
                fee_amount=Decimal("7.69230770"),
                ratio_before=Decimal("1.10"),
                ratio_after=Decimal("1.39"),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("assets", "debts", "verdict"),
    [("1.2", "1", False), ("1.19999999", "1", True), ("0", "0", False)],
)
def test_liquidation_begins_below_one_point_two(assets: str, debts: str, verdict: object) -> None:
    books = Books("1", {"USDT": Holding(available=Decimal(assets), borrowed=Decimal(debts))})

    assert needs_liquidation(books, {"USDT": Decimal(1)}) is verdict


def test_amounts_of_liquidations_carry_thousands_separators() -> None:
    liquidation = Liquidation(
        second=120,
        debt_currency="USDT",
        debt_amount=Decimal("1000104.57077436"),
        asset_currency="BTC",
        asset_amount=Decimal("1234.5"),
        fee_amount=Decimal("10001.04570775"),
        ratio_before=Decimal("1.15"),
        ratio_after=Decimal("1.4"),
    )

    document = liquidations_document([liquidation], started=1_700_000_000, speed=60)

    assert document == {
        "liquidations": [
            {
                "serial": 1,
                "debtCurrency": "USDT",
                "debtAmount": "1,000,104.57077436",
                "assetCurrency": "BTC",
                "assetAmount": "1,234.50000000",
                "feeAmount": "10,001.04570775",
                "adRatio": "1.15",
                "afterAdRatio": "1.40",
                "status": 2,
                "type": 2,
                "finishTimestamp": 1_700_000_002,
            }
        ],
        "liquidationsAmount": 1,
    }
