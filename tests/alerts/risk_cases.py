"""Each alert on risk with a history that raises it, and near misses that do not."""

from collections.abc import Mapping

from tests.alerts.cases import (
    ASSETS,
    DEBT,
    END,
    INCONSISTENT,
    NO_DEBT,
    START,
    UP,
    Case,
    fault,
    rising,
)
from tests.alerts.scenarios import (
    ABSENT,
    BTC_PRICE,
    MINUTE,
    STALE,
    Changes,
    History,
    Series,
    account,
    always,
    between,
    clock,
    during,
    then,
)

ETH_PRICE = 'bitopro_margin_mark_price{currency="ETH",unit="USDT"}'
RATE = 'bitopro_margin_borrow_annual_interest_ratio{currency="%s"}'
UNFINISHED = "bitopro_margin_liquidations_unfinished"
LIQUIDATED_AT = "bitopro_margin_last_liquidation_timestamp_seconds"
LIQUIDATIONS = 'endpoint="user-liquidations"'
LIQUIDATIONS_UP = f"bitopro_margin_endpoint_up{{{LIQUIDATIONS}}}"
LIQUIDATIONS_SUCCESS = f"bitopro_margin_endpoint_last_success_timestamp_seconds{{{LIQUIDATIONS}}}"
REFUSED = f'bitopro_margin_endpoint_failures_total{{{LIQUIDATIONS},reason="schema"}}'
ENDPOINT_UP = 'bitopro_margin_endpoint_up{endpoint="mark-price"}'
ENDPOINT_SUCCESS = 'bitopro_margin_endpoint_last_success_timestamp_seconds{endpoint="mark-price"}'


def position(
    holds: Mapping[str, float], owes: Mapping[str, float], bitcoin: float = 60_000
) -> Changes:
    """Return amounts, prices, and the totals that follow from them."""
    costs = {"BTC": bitcoin, "ETH": 3_000, "USDT": 1}
    listed = ("BTC", "ETH", "USDT")
    return {
        BTC_PRICE: bitcoin,
        ASSETS: sum(costs[each] * amount for each, amount in holds.items()),
        DEBT: sum(costs[each] * amount for each, amount in owes.items()),
        **{
            f'bitopro_margin_total_amount{{currency="{each}"}}': holds.get(each, 0)
            for each in listed
        },
        **{
            f'bitopro_margin_borrow_amount{{currency="{each}"}}': owes.get(each, 0)
            for each in listed
        },
        'bitopro_margin_borrow_interest_amount{currency="BTC"}': 0,
    }


def _fault_then(changes: Changes, after: Changes) -> dict[str, History]:
    """Let other changes follow three minutes after the fault begins, until its usual end."""
    return then((START, START + 3, changes), (START + 3, END, {**changes, **after}))


# Bitcoins bought with a loan: 9 % and 15 % from liquidation; short of bitcoin, 15.7 %.
NEAR = position({"BTC": 2}, {"USDT": 91_000})
NOT_FAR = position({"BTC": 2}, {"USDT": 85_000})
SHORT = position({"USDT": 125_000}, {"BTC": 1.5})
FAR = position({"BTC": 2}, {"USDT": 79_000})
STABLE_ONLY = position({"USDT": 130_500}, {"USDT": 100_000})
# A hundred dollars owed.
TINY = position({"BTC": 2}, {"USDT": 100})
# Asked until minute 5, and again from minute 30; and not before minute 30.
NEGLECTED: History = between(5 * MINUTE, 30 * MINUTE, 5 * MINUTE, clock)
NEVER_UNTIL_30: Changes = {
    LIQUIDATIONS_UP: between(0, 30 * MINUTE, ABSENT, always(1)),
    LIQUIDATIONS_SUCCESS: between(0, 30 * MINUTE, ABSENT, clock),
}
BLIND: Changes = {UP: 0, ASSETS: STALE, DEBT: STALE, "bitopro_margin_mark_price*": STALE}

RISK_CASES = [
    Case("DistanceCritical", fault(NEAR), 10, 21),
    Case("DistanceCritical: then blind", _fault_then(NEAR, BLIND), 10, 21),
    Case("DistanceCritical: then without a price", _fault_then(NEAR, {BTC_PRICE: STALE}), 10, 21),
    Case(
        "DistanceCritical: then a price that is no number",
        _fault_then(NEAR, {BTC_PRICE: "NaN"}),
        10,
        21,
    ),
    Case(
        "DistanceCritical: then without debt",
        {**_fault_then(NEAR, BLIND), **then((START, START + 3, NEAR), (START + 3, 99, NO_DEBT))},
        10,
        12,
    ),
    Case(
        "DistanceCritical: then far, without a price",
        then((START, START + 3, NEAR), (START + 3, 99, {**FAR, BTC_PRICE: STALE})),
        10,
        12,
    ),
    Case(
        "DistanceCritical: and around it",
        then((START, START + 3, NEAR), (START + 3, END, position({"BTC": 2}, {"USDT": 88_000}))),
        10,
        21,
    ),
    Case("DistanceWarning", fault(NOT_FAR), 15, 21),
    Case("DistanceWarning: short", fault(SHORT), 15, 21),
    Case("StressCrosses", fault(NOT_FAR), 15, 31),
    Case("StressCrosses: a rise", fault(SHORT), 15, 31),
    Case("Integrity: a sum", fault({INCONSISTENT % "total_amount": 1}), 15, 31),
    Case("Integrity: a sum for one poll", during(600, 615, {INCONSISTENT % "total_amount": 1})),
    Case("Integrity", fault({BTC_PRICE: 64_824.45906666 * 1.02}), 15, 31),
    Case("BorrowRateDoubled", fault({RATE % "BTC": 0.02}), 20, 31, currency="BTC"),
    Case("PriceMissing", fault({BTC_PRICE: STALE}), 20, 26, currency="BTC"),
    Case("PriceMissing: no number", fault({BTC_PRICE: "NaN"}), 20, 26, currency="BTC"),
    Case("PriceMissing: infinite", fault({BTC_PRICE: "Inf"}), 20, 26, currency="BTC"),
    Case("PriceMissing: gone without a marker", fault({BTC_PRICE: ABSENT}), 20, 26, currency="BTC"),
    Case("LiquidationRunning", fault({UNFINISHED: 1}), 10, 26),
    Case(
        "LiquidationRunning: then not seen",
        _fault_then({UNFINISHED: 1}, {UNFINISHED: STALE}),
        10,
        26,
    ),
    Case(
        "LiquidationsUnreadable",
        {**fault({LIQUIDATIONS_UP: 0}), REFUSED: rising(START, END, 60)},
        15,
        26,
    ),
    Case(
        "LiquidationsUnreadable: a copy",
        {
            **fault({LIQUIDATIONS_UP: 0}),
            REFUSED.replace("schema", "cached"): rising(START, END, 60),
        },
        15,
        26,
    ),
    Case(
        "LiquidationsUnreadable: at the first request",
        {
            LIQUIDATIONS_UP: between(0, START * MINUTE, ABSENT, always(0)),
            REFUSED: between(0, START * MINUTE, ABSENT, always(1)),
        },
        13,
        29,
    ),
    Case(
        "EndpointNotAsked", {LIQUIDATIONS_SUCCESS: NEGLECTED}, 26, 34, endpoint="user-liquidations"
    ),
    Case("EndpointNotAsked: prices", {ENDPOINT_SUCCESS: NEGLECTED}, 26, 34, endpoint="mark-price"),
    Case("EndpointNotAsked: never", NEVER_UNTIL_30, 20, 34, endpoint="user-liquidations"),
    # These come near, and raise nothing.
    Case("DistanceCritical: at 15 %", fault(NOT_FAR)),
    Case("DistanceWarning: at 21 %", fault(FAR)),
    Case("DistanceWarning: stablecoins only", fault(STABLE_ONLY)),
    Case("DistanceWarning: no debt", fault(NO_DEBT)),
    Case("DistanceWarning: a tiny debt", fault(TINY)),
    Case("DistanceWarning: never a price", {BTC_PRICE: STALE}),
    Case("DistanceCritical: never within its limit", fault(position({"BTC": 2}, {"USDT": 88_000}))),
    Case("StressCrosses: at 21 %", fault(FAR)),
    Case("StressCrosses: stablecoins only", fault(STABLE_ONLY)),
    Case("Integrity: tolerated", fault({BTC_PRICE: 64_824.45906666 * 1.009})),
    Case("Integrity: without a price", fault({BTC_PRICE: STALE})),
    Case("Integrity: no debt", fault(NO_DEBT)),
    Case("BorrowRateDoubled: not quite", fault({RATE % "BTC": 0.0199}), currency="BTC"),
    Case("BorrowRateDoubled: of what is not owed", fault({RATE % "ETH": 0.2}), currency="ETH"),
    Case("BorrowRateDoubled: of a tiny debt", fault({RATE % "USDT": 0.2}), currency="USDT"),
    Case("BorrowRateDoubled: no number", fault({RATE % "BTC": "NaN"}), currency="BTC"),
    Case("PriceMissing: of nothing held", fault({ETH_PRICE: STALE}), currency="ETH"),
    Case("PriceMissing: a tiny debt", {**TINY, BTC_PRICE: STALE}, currency="BTC"),
    Case("PriceMissing: no debt", {**NO_DEBT, BTC_PRICE: STALE}, currency="BTC"),
    Case("PriceMissing: for nine minutes", during(600, 1140, {BTC_PRICE: STALE}), currency="BTC"),
    Case("LiquidationRunning: not seen", fault({UNFINISHED: STALE})),
    Case(
        "LiquidationsUnreadable: twice",
        {**during(600, 720, {LIQUIDATIONS_UP: 0}), REFUSED: rising(10, 11, 60)},
    ),
    Case("LiquidationsUnreadable: for another reason", fault({LIQUIDATIONS_UP: 0})),
    Case(
        "EndpointNotAsked: each quarter of an hour",
        {LIQUIDATIONS_SUCCESS: lambda at: at // 900 * 900},
        endpoint="user-liquidations",
    ),
    Case(
        "EndpointNotAsked: it fails",
        {LIQUIDATIONS_SUCCESS: NEGLECTED, LIQUIDATIONS_UP: 0},
        endpoint="user-liquidations",
    ),
    Case(
        "EndpointNotAsked: the balances fail",
        {LIQUIDATIONS_SUCCESS: NEGLECTED, UP: between(12 * MINUTE, 99 * MINUTE, 0, always(1))},
        endpoint="user-liquidations",
    ),
    Case(
        "EndpointNotAsked: never, and the balances not for long",
        {**NEVER_UNTIL_30, UP: between(10 * MINUTE, 21 * MINUTE, 0, always(1))},
        endpoint="user-liquidations",
    ),
]

LATE_RISK_CASES = [
    Case("InterestHigh", during(10 * MINUTE, 40 * MINUTE, {RATE % "BTC": 2.2}), 25, 69),
    Case("Liquidated", {LIQUIDATED_AT: lambda at: ABSENT if at < 600 else 590}, 10, 74, slack=1),
    Case(
        "Liquidated: then blind",
        {LIQUIDATED_AT: lambda at: ABSENT if at < 600 or at > 720 else 590},
        10,
        74,
        slack=1,
    ),
    Case(
        "EndpointFailing",
        during(5 * MINUTE, 72 * MINUTE, {ENDPOINT_UP: 0}),
        70,
        76,
        endpoint="mark-price",
        slack=1,
    ),
    # These come near, and raise nothing.
    Case("InterestHigh: just below", during(10 * MINUTE, 40 * MINUTE, {RATE % "BTC": 2.0})),
    Case("InterestHigh: a rate missing", {RATE % "BTC": 2.2, RATE % "USDT": STALE}),
    Case("InterestHigh: no debt", {**NO_DEBT, RATE % "BTC": 2.2}),
    Case("Liquidated: over an hour ago", {LIQUIDATED_AT: -3_600}),
    Case(
        "EndpointFailing: for an hour less",
        during(5 * MINUTE, 65 * MINUTE, {ENDPOINT_UP: 0}),
        endpoint="mark-price",
    ),
]

# Two accounts of each exporter, or three. The first has not been asked again since it failed. The
# next reads prices for all, or did so until minute 5, when it was refused for the balances. The
# third was asked once, at the beginning.
SHARED_PRICES: Series = {
    **account("spared", {ENDPOINT_UP: 0, ENDPOINT_SUCCESS: 0}, instance="prices for both"),
    **account("reader", {ENDPOINT_SUCCESS: clock}, instance="prices for both"),
    **account("not needed", {ENDPOINT_SUCCESS: 0}, instance="prices for both"),
    **account("concerned", {ENDPOINT_UP: 0, ENDPOINT_SUCCESS: 0}, instance="prices for none"),
    **account(
        "former reader",
        {ENDPOINT_SUCCESS: lambda at: min(at, 5 * MINUTE)},
        instance="prices for none",
    ),
}

# From minute 30 to minute 150 nothing is scraped.
GAP = (30 * MINUTE, 150 * MINUTE)


def _liquidated_in_a_gap(name: str, before: History, after: History) -> Series:
    return {
        series: between(*GAP, ABSENT, history)
        for series, history in account(
            name, {LIQUIDATED_AT: lambda at: before(at) if at < GAP[0] else after(at)}
        ).items()
    }


LONG_AGO = -2 * 3_600
LIQUIDATED_UNSEEN: Series = {
    **_liquidated_in_a_gap("first one", always(ABSENT), always(60 * MINUTE)),
    **_liquidated_in_a_gap("another one", always(LONG_AGO), always(60 * MINUTE)),
    **_liquidated_in_a_gap("none", always(LONG_AGO), always(LONG_AGO)),
    **_liquidated_in_a_gap(
        "listed again",
        always(LONG_AGO),
        between(GAP[1], 220 * MINUTE, LONG_AGO - MINUTE, always(LONG_AGO)),
    ),
    **{
        series: between(0, GAP[1], ABSENT, history)
        for series, history in account("new exporter", {LIQUIDATED_AT: LONG_AGO}).items()
    },
    **account(
        "new key",
        {
            LIQUIDATED_AT: between(0, GAP[1], ABSENT, always(LONG_AGO)),
            UNFINISHED: between(0, GAP[1], ABSENT, always(0)),
        },
    ),
}
