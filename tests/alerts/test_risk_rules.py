"""What the rules make of balances and prices: right, or absent."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.alerts.company import KEPT
from tests.alerts.deployment import RISK_RULES, rules_of
from tests.alerts.scenarios import ABSENT, STALE, World, evaluated
from tests.alerts.series import ACCOUNTS, LONG, PRICES, SHORT, Position, gone_after

approx = pytest.approx

# Two exporters of the same account: what differs is taken to the worse.
TWO: Mapping[str, tuple[Position, Position]] = {
    "two prices": (LONG, Position(holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": 59_000})),
    "a fall or a rise": (LONG, Position(holds={"USDT": 150_000}, owes={"BTC": 2}, prices=PRICES)),
    "one without prices": (
        LONG,
        Position(holds={"BTC": 2}, owes={"USDT": 80_000}, prices={}, assets=120_000),
    ),
    "one that is insolvent": (LONG, Position(holds={"BTC": 1}, owes={"USDT": 80_000})),
    "two units": (LONG, Position(holds={"BTC": 2}, owes={"USDT": 80_000}, unit="TWD")),
}
DRILL_PRICES = Position(holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": 50_000})


def _of_drill(world: World) -> World:
    return {
        series.replace("{", '{account="drill",') if series.startswith(KEPT) else series: history
        for series, history in world.items()
    }


WORLD: World = {
    **{k: v for name, each in ACCOUNTS.items() for k, v in each.series(name).items()},
    **{
        k: v
        for name, each in TWO.items()
        for number, position in enumerate(each)
        for k, v in position.series(name, instance=f"{name} {number}").items()
    },
    **_of_drill(DRILL_PRICES.series("drill", job="bitopro-margin-drill")),
    # The same address as the drill's, and no price of its own.
    **Position(holds={"BTC": 2}, owes={"USDT": 80_000}, prices={}, assets=120_000).series(
        "beside the drill", instance="drill"
    ),
    **gone_after(60, STALE, LONG.series("a price stale"), "mark_price"),
    **gone_after(60, ABSENT, LONG.series("a price gone without a marker"), "mark_price"),
    **gone_after(60, STALE, LONG.series("totals stale"), "total_asset_amount"),
    **gone_after(60, ABSENT, LONG.series("debt gone without a marker"), "total_debt_amount"),
    **gone_after(60, STALE, LONG.series("an amount stale"), "total_amount"),
    **gone_after(60, STALE, SHORT.series("interest stale"), "borrow_interest_amount"),
}

Labels = tuple[str, ...]


class Records:
    """What was recorded, by record, account and the other labels' values."""

    def __init__(self, samples: list[tuple[Mapping[str, str], float]]) -> None:
        self.samples = samples

    def __call__(self, record: str, account: str) -> dict[Labels, float]:
        """Return the values of an account by its other labels."""
        return {
            tuple(v for k, v in sorted(labels.items()) if k not in {"__name__", "account"}): value
            for labels, value in self.samples
            if labels["__name__"].partition(":")[2] == f"bitopro_margin_{record}"
            and labels["account"] == account
        }

    def records(self, account: str) -> set[str]:
        """Return the names of all that is recorded of an account."""
        return {
            labels["__name__"].partition("bitopro_margin_")[2]
            for labels, _ in self.samples
            if labels["account"] == account
        }


@pytest.fixture(scope="module")
def risk(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """All that is recorded of the accounts, four minutes after what ends has ended."""
    everything = '{__name__=~"account(_currency|_level)?:.*"}'
    folder = tmp_path_factory.mktemp("risk")
    return Records(evaluated(promtool, folder, WORLD, everything, minutes=5))


MOVE, PRICE = "liquidation_move:ratio", "liquidation_price:unit"
DISTANCE, STRESS = "liquidation_distance:ratio", "ad_ratio:stress"
REPAY, DEPOSIT = "rescue_repay:unit", "rescue_deposit:unit"
INTEREST, DAYS = "interest_per_day:unit", "days_to_threshold:days"
MISSING, INTEGRITY = "price_missing:bool", "integrity:ratio"
NEED_PRICES = {MOVE, PRICE, DISTANCE, STRESS, INTEGRITY}


def test_long_position_is_liquidated_by_a_fall(risk: Records) -> None:
    assert risk(MOVE, "long") == approx(
        {
            ("BTC", "warning"): 0,
            ("BTC", "critical"): -16 / 120,
            ("BTC", "liquidation"): -0.2,
            ("warning",): 0,
            ("critical",): -16 / 120,
            ("liquidation",): -0.2,
        }
    )
    assert risk(PRICE, "long") == approx(
        {("BTC", "warning"): 60_000, ("BTC", "critical"): 52_000, ("BTC", "liquidation"): 48_000}
    )


def test_short_position_is_liquidated_by_a_rise(risk: Records) -> None:
    assert risk(MOVE, "short") == approx(
        {
            ("BTC", "warning"): 15 / 135,
            ("BTC", "critical"): 33 / 117,
            ("BTC", "liquidation"): 42 / 108,
            ("warning",): 15 / 135,
            ("critical",): 33 / 117,
            ("liquidation",): 42 / 108,
        }
    )
    assert risk(PRICE, "short")["BTC", "liquidation"] == approx(60_000 * 150 / 108)


def test_mixed_position_has_a_move_for_what_can_reach_the_threshold(risk: Records) -> None:
    moves = risk(MOVE, "mixed")

    assert ("BTC", "liquidation") not in moves
    assert moves["ETH", "liquidation"] == approx(-0.7)
    assert moves["liquidation",] == approx(-0.5)
    assert risk(PRICE, "mixed")["ETH", "liquidation"] == approx(900)
    assert risk(DISTANCE, "mixed")["liquidation",] == approx(0.5)


def test_hedged_position_has_no_liquidation_price(risk: Records) -> None:
    assert {labels for labels in risk(MOVE, "hedged") if "liquidation" in labels} == set()
    assert {labels for labels in risk(PRICE, "hedged") if "liquidation" in labels} == set()
    assert ("liquidation",) not in risk(DISTANCE, "hedged")


def test_documented_account_has_no_liquidation_price(risk: Records) -> None:
    # Without its bitcoins it would still have enough for what it owes in the unit.
    assert risk(MOVE, "documented") == {}
    assert risk(PRICE, "documented") == {}
    assert risk(DISTANCE, "documented") == {}


def test_account_without_debt_has_no_liquidation_price(risk: Records) -> None:
    assert risk.records("no debt") & {MOVE, PRICE, DISTANCE, STRESS, DAYS, MISSING} == set()
    assert set(risk(DEPOSIT, "no debt").values()) == {0}
    assert set(risk(REPAY, "no debt").values()) == {0}
    assert risk(INTEREST, "no debt") == {(): 0}


def test_account_without_anything_has_no_number_that_is_none(risk: Records) -> None:
    assert risk.records("nothing") & {MOVE, PRICE, DISTANCE, STRESS, DAYS, INTEGRITY} == set()


def test_account_that_has_crossed_is_there_already(risk: Records) -> None:
    assert set(risk(MOVE, "crossed").values()) == {0}
    assert set(risk(MOVE, "crossed")) == {
        labels for level in LONG.levels for labels in (("BTC", level), (level,))
    }
    assert set(risk(PRICE, "crossed").values()) == {60_000}
    assert set(risk(DISTANCE, "crossed").values()) == {0}
    assert set(risk(DAYS, "crossed").values()) == {0}


def test_rescue_of_an_account_that_has_crossed(risk: Records) -> None:
    # Assets of 110,000 and a debt of 100,000.
    assert risk(DEPOSIT, "crossed") == approx(
        {("warning",): 40_000, ("critical",): 20_000, ("liquidation",): 10_000}
    )
    assert risk(REPAY, "crossed") == approx(
        {("warning",): 80_000, ("critical",): 20_000 / 0.3, ("liquidation",): 50_000}
    )


@pytest.mark.parametrize("level", ["warning", "critical", "liquidation"])
def test_rescue_suffices_exactly(risk: Records, level: str) -> None:
    repaid = risk(REPAY, "crossed")[level,]
    added = risk(DEPOSIT, "crossed")[level,]

    assert (110_000 - repaid) / (100_000 - repaid) == approx(LONG.levels[level])
    assert (110_000 + added) / 100_000 == approx(LONG.levels[level])


def test_no_repayment_rescues_an_insolvent_account(risk: Records) -> None:
    assert risk(REPAY, "insolvent") == {}
    assert risk(DEPOSIT, "insolvent")["liquidation",] == approx(28_000)


def test_threshold_of_one_has_no_repayment(risk: Records) -> None:
    assert set(risk(REPAY, "a threshold of one")) == set()
    assert risk(DEPOSIT, "a threshold of one") == approx(
        {("warning",): 23_000, ("liquidation",): 10_000}
    )


def test_safe_account_needs_no_repayment_at_any_threshold(risk: Records) -> None:
    assert risk(REPAY, "a threshold of one, and safe") == {("warning",): 0, ("liquidation",): 0}


def test_debt_without_a_total_has_no_stress_and_no_price(risk: Records) -> None:
    assert risk.records("owed without a total") & {MOVE, PRICE, DISTANCE, STRESS} == set()


def test_unit_needs_no_price_and_costs_one(risk: Records) -> None:
    assert risk("asset:unit", "only a price of the unit") == {("USDT",): 10}
    assert risk("asset:unit", "mixed")["USDT",] == 30_000
    assert {labels for labels in risk(MOVE, "mixed") if "USDT" in labels} == set()


def test_currency_without_amounts_needs_no_price(risk: Records) -> None:
    assert risk("asset:unit", "documented")["ETH",] == 0
    assert risk("debt:unit", "documented")["ETH",] == 0
    assert risk(MISSING, "documented") == {}


def test_stress_of_a_mixed_position(risk: Records) -> None:
    assert risk(STRESS, "mixed") == approx(
        {
            ("-0.5",): 90 / 75,
            ("-0.3",): 114 / 81,
            ("-0.2",): 126 / 84,
            ("-0.1",): 138 / 87,
            ("0.1",): 162 / 93,
            ("0.2",): 174 / 96,
            ("0.3",): 186 / 99,
        }
    )


def test_stablecoins_are_moved_by_no_stress(risk: Records) -> None:
    assert set(risk(STRESS, "stablecoins").values()) == {1.3}
    assert risk(MOVE, "stablecoins")["USDC", "liquidation"] == approx(-1 / 13)
    assert ("liquidation",) not in risk(MOVE, "stablecoins")


def test_missing_price_leaves_the_other_currencies_and_no_sum(risk: Records) -> None:
    assert risk(MISSING, "a price missing") == {("ABC",): 1}
    assert set(risk(PRICE, "a price missing")) == {
        (currency, level) for currency in ("BTC", "ETH") for level in LONG.levels
    }
    assert {labels for labels in risk(MOVE, "a price missing") if len(labels) == 1} == set()
    assert risk.records("a price missing") & {DISTANCE, STRESS, INTEGRITY} == set()
    assert risk(DEPOSIT, "a price missing")["warning",] == 0


def test_distance_is_zero_below_the_threshold_though_a_price_is_missing(risk: Records) -> None:
    assert set(risk(DISTANCE, "a price missing, crossed").values()) == {0}


def test_stablecoin_without_a_price_does_not_cost_the_move_of_the_others(risk: Records) -> None:
    account = "a stablecoin without a price"

    assert risk(MISSING, account) == {("TWD",): 1}
    assert risk(MOVE, account)["liquidation",] == approx(-24_010 / 120_000)
    assert risk.records(account) & {DISTANCE, INTEGRITY} == set()


@pytest.mark.parametrize(
    "account",
    [
        "a price not a number",
        "a price infinite",
        "a price of zero",
        "a price negative",
        "an amount not a number",
        "a price stale",
        "a price gone without a marker",
        "an amount stale",
        "beside the drill",
    ],
)
def test_unusable_price_or_amount_leaves_nothing_that_needs_it(risk: Records, account: str) -> None:
    assert risk.records(account) & NEED_PRICES == set()
    assert ("BTC",) not in risk("asset:unit", account)


@pytest.mark.parametrize(
    "account",
    [
        "a price not a number",
        "a price stale",
        "a price gone without a marker",
        "an amount not a number",
        "beside the drill",
    ],
)
def test_unusable_price_or_amount_is_said_to_be_missing(risk: Records, account: str) -> None:
    assert risk(MISSING, account) == {("BTC",): 1}


def test_unusable_interest_makes_the_debt_unknown(risk: Records) -> None:
    assert risk.records("interest stale") & NEED_PRICES == set()
    assert risk("debt:unit", "interest stale") == {}


@pytest.mark.parametrize(
    "account",
    ["assets not a number", "debt infinite", "totals stale", "debt gone without a marker"],
)
def test_unusable_total_leaves_no_risk(risk: Records, account: str) -> None:
    assert risk.records(account) & {MOVE, PRICE, DISTANCE, STRESS, DEPOSIT, REPAY, DAYS} == set()


def test_prices_of_another_unit_are_no_prices(risk: Records) -> None:
    assert risk.records("prices of another unit") & NEED_PRICES == set()
    assert risk(MISSING, "prices of another unit") == {("BTC",): 1}


def test_another_unit_is_computed_in_that_unit(risk: Records) -> None:
    assert risk(PRICE, "another unit")["BTC", "liquidation"] == approx(1_440_000)


def test_interest_is_of_the_principal_at_todays_rate(risk: Records) -> None:
    # 80,000 at 14.6 % a year; 1.5 bitcoins at 3.65 %.
    assert risk(INTEREST, "long") == approx({(): 32})
    assert risk(INTEREST, "short") == approx({(): 9})
    assert risk(INTEREST, "no rate needed") == {(): 0}


def test_days_at_flat_prices(risk: Records) -> None:
    assert risk(DAYS, "long") == approx(
        {("warning",): 0, ("critical",): (120_000 / 1.3 - 80_000) / 32, ("liquidation",): 625}
    )


@pytest.mark.parametrize("account", ["a rate missing", "a rate not a number"])
def test_missing_rate_leaves_no_interest(risk: Records, account: str) -> None:
    assert risk.records(account) & {INTEREST} == set()
    assert {labels for labels, days in risk(DAYS, account).items() if days} == set()


def test_integrity_is_the_larger_of_both_sides(risk: Records) -> None:
    assert risk(INTEGRITY, "totals apart") == approx({(): 0.1})
    assert risk(INTEGRITY, "mixed") == approx({(): 0}, abs=1e-9)


def test_of_two_exporters_the_smaller_move_counts(risk: Records) -> None:
    assert risk(MOVE, "two prices")["BTC", "liquidation"] == approx(-22 / 118)
    assert risk(PRICE, "two prices")["BTC", "liquidation"] == approx(48_000)
    assert risk(STRESS, "two prices")["-0.2",] == approx(0.8 * 118 / 80)
    assert risk(DISTANCE, "two prices")["liquidation",] == approx(22 / 118)
    assert risk("asset:unit", "two prices")["BTC",] == 118_000


def test_of_a_fall_and_a_rise_the_nearer_counts(risk: Records) -> None:
    # A fall by 20 %, or a rise by 4 %.
    assert risk(MOVE, "a fall or a rise")["BTC", "liquidation"] == approx(6 / 144)
    assert risk(MOVE, "a fall or a rise")["liquidation",] == approx(6 / 144)
    assert risk(PRICE, "a fall or a rise")["BTC", "liquidation"] == approx(62_500)


def test_exporter_without_prices_takes_nothing_from_the_other(risk: Records) -> None:
    assert risk(PRICE, "one without prices")["BTC", "liquidation"] == approx(48_000)
    assert risk(DISTANCE, "one without prices")["liquidation",] == approx(0.2)
    assert risk(MISSING, "one without prices") == {("BTC",): 1}


def test_repayment_must_do_for_both_exporters(risk: Records) -> None:
    assert risk(REPAY, "one that is insolvent") == {}
    assert risk(DEPOSIT, "one that is insolvent")["liquidation",] == approx(36_000)


def test_amounts_of_two_units_are_never_mixed(risk: Records) -> None:
    assert risk.records("two units") & {MOVE, PRICE, DISTANCE, STRESS, DEPOSIT, REPAY} == set()
    assert risk(MISSING, "two units") == {("BTC",): 1, ("USDT",): 1}


def test_drill_is_computed_with_its_own_prices(risk: Records) -> None:
    assert risk("asset:unit", "drill")["BTC",] == 100_000
    assert risk(PRICE, "drill")["BTC", "liquidation"] == approx(48_000)


def test_no_number_of_any_account_is_negative_infinite_or_none(risk: Records) -> None:
    signed = {"account_currency:bitopro_margin_" + MOVE, "account:bitopro_margin_" + MOVE}
    bounded = {rule.name for rule in rules_of(RISK_RULES) if not rule.name.endswith("last_known")}

    odd = [
        (labels, value)
        for labels, value in risk.samples
        if labels["__name__"] in bounded
        and (not math.isfinite(value) or (value < 0 and labels["__name__"] not in signed))
    ]

    assert odd == []


def test_no_price_falls_below_zero(risk: Records) -> None:
    moves = [value for labels, value in risk.samples if labels["__name__"].endswith(MOVE)]

    assert min(moves) > -1


def test_nothing_is_computed_until_it_is_known_what_is_stable(
    promtool: str, tmp_path: Path
) -> None:
    samples = evaluated(
        promtool,
        tmp_path,
        LONG.series("long"),
        '{__name__=~"account(_currency|_level)?:.*"}',
        minutes=5,
        rule_files=[RISK_RULES],
    )

    recorded = Records(samples)
    assert {labels for labels in recorded(MOVE, "long") if len(labels) == 1} == set()
    assert recorded(STRESS, "long") == {}
