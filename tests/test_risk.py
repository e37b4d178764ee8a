"""Risk, position by position: every expected number was computed by hand."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from exporter.bitopro.balances import Balance, Balances, Snapshot
from exporter.risk import (
    SHOCKS,
    Thresholds,
    Totals,
    assess,
    rescue_deposit,
    rescue_repay,
)
from tests.positions import POSITIONS

LEVELS = ("warning", "critical", "liquidation")
NONE = dict.fromkeys(LEVELS)
ZERO = dict.fromkeys(LEVELS, "0")


def short(number: Decimal | None) -> str | None:
    """Return a number to ten digits, without zeros at its end."""
    if number is None:
        return None
    return f"{Context(prec=10, rounding=ROUND_HALF_EVEN).create_decimal(number).normalize():f}"


def shorts(numbers: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {name: short(number) for name, number in numbers.items()}


def by_level(warning: str | None, critical: str | None, liquidation: str | None) -> object:
    return {"warning": warning, "critical": critical, "liquidation": liquidation}


def stress(*ratios: str) -> object:
    return dict(zip(SHOCKS, ratios, strict=True))


def test_long_is_liquidated_by_a_fall() -> None:
    risk = POSITIONS["long"].risk()

    bitcoin = risk.currencies["BTC"]
    assert short(risk.ratio) == "1.872"
    assert [short(bitcoin.asset), short(bitcoin.debt)] == ["100000", "0"]
    assert shorts(bitcoin.liquidation_move) == by_level("-0.2325", "-0.3575", "-0.42")
    assert shorts(bitcoin.liquidation_price) == by_level("38375", "32125", "29000")
    assert risk.liquidation_move == bitcoin.liquidation_move
    assert shorts(risk.liquidation_distance) == by_level("0.2325", "0.3575", "0.42")
    assert shorts(risk.stress) == stress(
        "1.072", "1.392", "1.552", "1.712", "2.032", "2.192", "2.352"
    )


def test_short_is_liquidated_by_a_rise() -> None:
    risk = POSITIONS["short"].risk()

    bitcoin = risk.currencies["BTC"]
    assert [short(bitcoin.asset), short(bitcoin.debt)] == ["0", "62500"]
    assert shorts(bitcoin.liquidation_move) == by_level("0.248", "0.44", "0.56")
    assert shorts(bitcoin.liquidation_price) == by_level("62400", "72000", "78000")
    assert risk.liquidation_move == bitcoin.liquidation_move
    assert shorts(risk.liquidation_distance) == by_level("0.248", "0.44", "0.56")
    assert shorts(risk.stress) == stress(
        "3.744", "2.674285714", "2.34", "2.08", "1.701818182", "1.56", "1.44"
    )


def test_mixed_position_has_a_distance_per_currency_and_one_together() -> None:
    risk = POSITIONS["mixed"].risk()

    moves = {name: shorts(each.liquidation_move) for name, each in risk.currencies.items()}
    assert moves == {
        "BTC": by_level("-0.5", "-0.7", "-0.8"),
        # Nothing can lose more than its price.
        "ETH": NONE,
        "SOL": by_level("1.666666667", "2.692307692", "3.333333333"),
        "USDC": NONE,
        "USDT": NONE,
    }
    assert [short(risk.together_asset), short(risk.together_debt)] == ["70000", "20000"]
    assert shorts(risk.liquidation_move) == by_level("-0.625", "-0.7954545455", "-0.8695652174")
    assert shorts(risk.liquidation_distance) == by_level("0.5", "0.7", "0.8")
    assert shorts(risk.stress) == stress(
        "1.625",
        "1.795454545",
        "1.869565217",
        "1.9375",
        "2.057692308",
        "2.111111111",
        "2.160714286",
    )
    assert short(risk.interest_per_day) == "5.98"


def test_hedged_position_has_no_price_of_liquidation() -> None:
    risk = POSITIONS["hedged"].risk()

    bitcoin = risk.currencies["BTC"]
    assert shorts(bitcoin.liquidation_move) == by_level("1.666666667", "7", None)
    assert shorts(bitcoin.liquidation_price) == by_level("133333.3333", "400000", None)
    assert risk.liquidation_distance["liquidation"] is None
    assert shorts(risk.stress)["-0.5"] == "2.8"


def test_stable_currency_moves_alone_and_not_with_the_rest() -> None:
    risk = POSITIONS["stable"].risk()

    assert shorts(risk.currencies["USDC"].liquidation_move) == by_level(
        "-0.5", "-0.5666666667", "-0.6"
    )
    assert risk.liquidation_move == NONE
    assert shorts(risk.liquidation_distance) == by_level("0.5", "0.5666666667", "0.6")
    assert set(shorts(risk.stress).values()) == {"3"}


def test_stress_is_never_negative_though_totals_are_less_than_their_parts() -> None:
    risk = POSITIONS["less-than-its-parts"].risk()

    # The account holds 300 by its prices, and is said to have 100.
    assert shorts(risk.stress) == {
        "-0.5": None,
        "-0.3": "0.125",
        "-0.2": "0.5",
        "-0.1": "0.875",
        "0.1": "1.625",
        "0.2": "2",
        "0.3": "2.375",
    }


def test_without_debt_nothing_moves_it_and_nothing_is_needed() -> None:
    risk = POSITIONS["no-debt"].risk()

    assert risk.ratio is None
    assert risk.currencies["BTC"].liquidation_move == NONE
    assert risk.currencies["BTC"].liquidation_price == NONE
    assert risk.liquidation_move == NONE
    assert risk.liquidation_distance == NONE
    assert set(risk.stress.values()) == {None}
    assert shorts(risk.rescue_repay) == ZERO
    assert shorts(risk.rescue_deposit) == ZERO
    assert risk.interest_per_day == 0
    assert risk.days_to_threshold == NONE
    assert risk.integrity == 0


def test_missing_price_leaves_out_what_needs_it() -> None:
    risk = POSITIONS["missing-price"].risk()

    assert risk.missing_prices == ("ETH",)
    ether = risk.currencies["ETH"]
    assert [short(each) for each in (ether.price, ether.asset, ether.debt)] == [None, None, "0"]
    assert ether.liquidation_move == NONE
    assert risk.together_asset is None
    assert risk.together_debt is None
    assert risk.liquidation_move == NONE
    assert risk.liquidation_distance == NONE
    assert set(risk.stress.values()) == {None}
    assert risk.integrity is None
    # What does not need it stays.
    assert shorts(risk.currencies["BTC"].liquidation_move) == by_level("-0.45", "-0.55", "-0.6")
    assert short(risk.interest_per_day) == "5"


def test_currency_that_is_neither_held_nor_owed_misses_no_price() -> None:
    risk = POSITIONS["documented"].risk()

    assert risk.missing_prices == ()
    ether = risk.currencies["ETH"]
    assert [short(each) for each in (ether.price, ether.asset, ether.debt)] == [None, "0", "0"]


def test_missing_rate_of_what_is_borrowed_leaves_interest_unknown() -> None:
    risk = POSITIONS["missing-rate"].risk()

    assert risk.interest_per_day is None
    assert risk.days_to_threshold == NONE
    assert shorts(risk.liquidation_distance) == by_level("0.25", "0.35", "0.4")


def test_days_are_those_until_interest_alone_crosses() -> None:
    risk = POSITIONS["long"].risk()

    assert short(risk.interest_per_day) == "5"
    assert shorts(risk.days_to_threshold) == by_level("3100", "5500", "7000")


def test_crossed_threshold_is_at_no_distance_and_needs_a_rescue() -> None:
    risk = POSITIONS["crossed"].risk()

    assert short(risk.ratio) == "1.15"
    assert risk.currencies["BTC"].liquidation_move == dict.fromkeys(LEVELS, 0)
    assert risk.currencies["BTC"].liquidation_price == dict.fromkeys(LEVELS, 46_000)
    assert risk.currencies["USDT"].liquidation_move == NONE
    assert risk.liquidation_move == dict.fromkeys(LEVELS, 0)
    assert risk.liquidation_distance == dict.fromkeys(LEVELS, 0)
    assert shorts(risk.rescue_repay) == by_level("28000", "20000", "10000")
    assert shorts(risk.rescue_deposit) == by_level("14000", "6000", "2000")
    assert risk.days_to_threshold == dict.fromkeys(LEVELS, 0)


def test_insolvent_account_cannot_be_rescued_by_repaying() -> None:
    risk = POSITIONS["insolvent"].risk()

    assert risk.rescue_repay == NONE
    assert shorts(risk.rescue_deposit) == by_level("24000", "16000", "12000")
    assert risk.liquidation_distance == dict.fromkeys(LEVELS, 0)


def test_wrong_total_is_measured() -> None:
    assert short(POSITIONS["wrong-total"].risk().integrity) == "0.09090909091"


def test_prices_say_nothing_about_an_account_in_another_unit() -> None:
    risk = POSITIONS["other-unit"].risk()

    assert risk.missing_prices == ("BTC",)
    assert risk.currencies["BTC"].price is None
    # The unit costs 1 in itself, whatever it costs in another.
    assert risk.currencies["TWD"].price == 1
    assert risk.liquidation_distance == NONE
    assert risk.integrity is None
    assert short(risk.interest_per_day) == "5"


def test_documented_account_cannot_be_liquidated_by_one_price() -> None:
    risk = POSITIONS["documented"].risk()

    bitcoin = risk.currencies["BTC"]
    assert short(risk.ratio) == "5.763844478"
    assert (str(bitcoin.asset), str(bitcoin.debt)) == ("648238.517550000", "129808.085805450")
    # The quotient is -1.203: with a bitcoin for nothing there is more than enough left.
    assert bitcoin.liquidation_move == NONE
    assert risk.liquidation_distance == NONE
    assert shorts(risk.stress) == stress(
        "6.53368967",
        "6.093799796",
        "5.956322363",
        "5.84939157",
        "5.693849778",
        "5.635519744",
        "5.586162768",
    )
    assert shorts(risk.rescue_repay) == ZERO
    assert short(risk.interest_per_day) == "17.76295771"
    assert shorts(risk.days_to_threshold) == by_level("20775.26016", "25095.85968", "27796.23438")
    assert short(risk.integrity) == "0.0000006313760819"


# Two in three accounts have no such move.
a_third_of_them = settings(suppress_health_check=[HealthCheck.filter_too_much])

amounts = st.decimals(min_value=0, max_value=10**9, places=8)
marks = st.decimals(min_value="0.00000001", max_value=10**6, places=8)
Holdings = dict[str, tuple[Decimal, Decimal]]
holdings = st.fixed_dictionaries(
    {name: st.tuples(amounts, amounts) for name in ("BTC", "ETH", "USDC", "USDT")}
)
prices_of = st.fixed_dictionaries(dict.fromkeys(("BTC", "ETH", "USDC"), marks))


def account(held: Holdings, prices: Mapping[str, Decimal]) -> Snapshot:
    """Return what the exchange would answer at these prices."""
    exact = Context(prec=100)
    asset = debt = Decimal(0)
    for name, (has, owes) in held.items():
        price = prices.get(name, Decimal(1))
        asset, debt = exact.fma(has, price, asset), exact.fma(owes, price, debt)
    return Snapshot(
        ad_ratio=None,
        ad_ratio_label=None,
        account_id="1",
        account_status=1,
        margin_status=1,
        unit="USDT",
        total_asset_amount=asset,
        total_debt_amount=debt,
        balances=Balances.of(
            {
                name: Balance(
                    available_amount=has,
                    traded_amount=Decimal(0),
                    borrow_amount=owes,
                    borrow_interest_amount=Decimal(0),
                    borrow_status=1,
                    transfer_status=1,
                    total_amount=has,
                )
                for name, (has, owes) in held.items()
            }
        ),
        unknown_fields=frozenset(),
    )


def ratio_at(held: Holdings, prices: Mapping[str, Decimal]) -> Decimal:
    ratio = assess(account(held, prices), prices, {}, Thresholds()).ratio
    assert ratio is not None
    return ratio


@a_third_of_them
@given(held=holdings, prices=prices_of, level=st.sampled_from(LEVELS))
def test_law_applied_move_of_one_currency_gives_the_threshold(
    held: Holdings, prices: Mapping[str, Decimal], level: str
) -> None:
    risk = assess(account(held, prices), prices, {}, Thresholds())
    move = risk.currencies["BTC"].liquidation_move[level]
    price = risk.currencies["BTC"].liquidation_price[level]
    assume(move and price)
    assert price is not None

    ratio = ratio_at(held, {**prices, "BTC": price})

    assert abs(ratio - Decimal(str(Thresholds().by_level()[level]))) < Decimal("1e-40")


@a_third_of_them
@given(held=holdings, prices=prices_of, level=st.sampled_from(LEVELS))
def test_law_applied_move_of_all_together_gives_the_threshold(
    held: Holdings, prices: Mapping[str, Decimal], level: str
) -> None:
    move = assess(account(held, prices), prices, {}, Thresholds()).liquidation_move[level]
    assume(move)
    assert move is not None
    wide = Context(prec=100)
    moved = {name: wide.fma(prices[name], move, prices[name]) for name in ("BTC", "ETH")}

    ratio = ratio_at(held, {**prices, **moved})

    assert abs(ratio - Decimal(str(Thresholds().by_level()[level]))) < Decimal("1e-40")


@given(
    debt=st.decimals(min_value=1, max_value=10**9, places=8),
    excess=st.decimals(min_value=0, max_value="0.1999", places=4),
    level=st.sampled_from(["1.2", "1.3", "1.5"]),
)
def test_law_rescues_restore_the_threshold(debt: Decimal, excess: Decimal, level: str) -> None:
    threshold = Decimal(level)
    with localcontext(prec=100):
        total = Totals(debt * (1 + excess), debt)
        repay, deposit = rescue_repay(total, threshold), rescue_deposit(total, threshold)
        assert repay is not None

        # Multiplied out, for all of the debt may have to be repaid.
        assert abs(total.asset - repay - threshold * (debt - repay)) < Decimal("1e-40")
        assert total.asset + deposit == threshold * debt
        assert 0 < repay <= debt
