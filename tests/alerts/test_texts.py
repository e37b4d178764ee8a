"""What a person reads: account, ratio, threshold, what it means, what to do."""

from collections.abc import Mapping

import pytest

from tests.alerts.cases import (
    ASSETS,
    CLOCK_SKEW,
    DEBT,
    LAST_SUCCESS,
    NO_PAGE,
    UP,
    failures,
    ratio,
    rising,
)
from tests.alerts.company import drill
from tests.alerts.risk_cases import (
    LIQUIDATED_AT,
    LIQUIDATIONS_UP,
    NEAR,
    NOT_FAR,
    RATE,
    REFUSED,
    SHORT,
    UNFINISHED,
)
from tests.alerts.scenarios import (
    BTC_PRICE,
    MINUTE,
    STALE,
    Changes,
    Series,
    account,
    always,
    between,
    during,
    then,
    written,
)
from tests.alerts.texts import Text

RUNBOOK = (
    "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main/docs/runbook.md"
)
ASSUMED = 'bitopro_margin_ad_ratio_threshold_assumed{level="liquidation"}'
FOREVER = 99 * MINUTE


def _from_10(changes: Changes) -> Changes:
    return during(600, FOREVER, changes)


_SOLD: Changes = {
    LIQUIDATED_AT: 1_200,
    'bitopro_margin_last_liquidation_debt_amount{currency="USDT"}': 1_000_104.57,
    'bitopro_margin_last_liquidation_asset_amount{currency="BTC"}': 15.5,
    ASSUMED: 0,
}
# An exporter that has not read the list again knows an earlier liquidation only.
_SOLD_EARLIER: Changes = {
    **_SOLD,
    LIQUIDATED_AT: 900,
    'bitopro_margin_last_liquidation_debt_amount{currency="USDT"}': 7_777_777,
}
_INSOLVENT: Changes = _from_10({ASSETS: 1_100_000, DEBT: 1_234_567})
_NOT_UNDERSTOOD: Changes = {**_from_10({LIQUIDATIONS_UP: 0}), REFUSED: rising(10, 99, 60)}
# Polls time out from minute 15, and what they brought vanishes a minute later.
_BLIND: Changes = {
    **_from_10(ratio(1.15)),
    ASSUMED: 0,
    UP: between(15 * MINUTE, FOREVER, 0, always(1)),
    LAST_SUCCESS: lambda at: min(at, 15 * MINUTE),
    failures("timeout"): rising(15, 30, 30),
}
_NEAR_WITHOUT_A_PRICE = then((10, 15, SHORT), (15, 99, {**SHORT, BTC_PRICE: STALE}))

# A drill is an account of one name: what differs between drills needs a scenario of its own.
SCENARIOS: list[Series] = [
    {
        **account("deep", _from_10(ratio(1.1987))),
        **account("bust", {**_INSOLVENT, ASSUMED: 0}),
        **account("near", _from_10(NEAR)),
        **account("sold", _SOLD),
        **account("sold", _SOLD, job="another job"),
        **account("sold", _SOLD_EARLIER, instance="behind"),
        **account("dark", _from_10({BTC_PRICE: STALE})),
        **account("runs", _from_10({UNFINISHED: 2})),
        **account("dear", during(1, FOREVER, {RATE % "BTC": 2.2, BTC_PRICE: 66_000})),
        **account("odd1", _NOT_UNDERSTOOD),
        **account("fall", {**_from_10(NOT_FAR), ASSUMED: 0}),
        **account("gone", _from_10(NO_PAGE)),
        **account("skewed", {CLOCK_SKEW: 600}),
        **account("skewed and failing", {CLOCK_SKEW: 600, UP: 0}),
        **account("twin-1", account_id="1"),
        **account("twin-2", account_id="1"),
        **account("twin-3", account_id="1"),
        # What a drill's exchange asks for a loan is not quoted.
        **account("rate", during(300, FOREVER, {RATE % "BTC": 0.03})),
        **drill({RATE % "BTC": always(0.0001)}),
    },
    account("drill", {**_NEAR_WITHOUT_A_PRICE, ASSUMED: 0}),
    {
        series: between(16 * MINUTE, FOREVER, STALE, history) if "_amount" in series else history
        for series, history in account("drill", _BLIND).items()
    },
]


def fired(
    alert: str,
    account: str,
    summary: str,
    description: str,
    severity: str = "critical",
    **labels: str,
) -> Text:
    """Return an alert with all that is written on it in English."""
    return Text(
        f"BitoproMargin{alert}",
        {"account": account, "severity": severity, **labels},
        {
            "summary": summary,
            "description": description,
            "runbook_url": f"{RUNBOOK}#bitopromargin{alert.lower()}",
        },
    )


_SOLD_NOW = (
    "The exchange may be selling its assets now, for a fee. Open the exchange and repay, or add "
    "assets if it still lets you."
)
TEXTS: Mapping[str, Text] = {
    "liquidation tells what would help": fired(
        "RatioLiquidation",
        "deep",
        "Account deep has fallen below its liquidation threshold, and is at 1.1987.",
        "To be back at the warning threshold, repay 60,260 USDT or add 30,130 USDT. " + _SOLD_NOW,
    ),
    "an insolvent account is told that no repayment is enough": fired(
        "RatioLiquidation",
        "bust",
        "Account bust has fallen below its liquidation threshold, and is at 0.8910.",
        "To be back at the warning threshold, no repayment is enough: add 751,851 USDT. "
        + _SOLD_NOW,
    ),
    "a near liquidation names currency and price": fired(
        "DistanceCritical",
        "near",
        "A move of prices by 9 % would bring account near below its liquidation threshold.",
        "BTC alone gets there at 54,600 USDT. Repay or add assets now, before the market does its "
        "part.",
    ),
    "a near liquidation says when a price is missing": fired(
        "DistanceWarning",
        "drill",
        "DRILL, no real account: A move of prices by 15.7 % would bring account drill below its "
        "liquidation threshold.",
        "Not every price is known now; this is what is known, or was. Decide at which price you "
        "act, and how.",
        severity="warning",
    ),
    "amounts are of the latest liquidation, and told once, whatever jobs scrape it": fired(
        "Liquidated",
        "sold",
        "BitoPro has liquidated assets of account sold.",
        "It finished 2m 0s ago; it sold 15.5 BTC; it settled 1000104.57 USDT. Another may follow: "
        "see on the exchange's site what is left, then repay or add assets.",
    ),
    "a price that is missing": fired(
        "PriceMissing",
        "dark",
        "No price of BTC is known for account dark.",
        "Alerts on distance, stress and interest are silent, or go by what was known before. Those "
        "on the ratio need no prices. See whether the exchange gives a mark price of BTC, in the "
        "account's unit.",
        severity="warning",
        currency="BTC",
    ),
    "a liquidation that runs": fired(
        "LiquidationRunning",
        "runs",
        "BitoPro lists a liquidation of account runs that is not finished.",
        "What the status means is not documented. Its assets may be sold at this moment. Open the "
        "exchange, and repay or add assets if it lets you.",
    ),
    "interest names the amount of a day": fired(
        "InterestHigh",
        "dear",
        "Interest costs account dear 0.11 % of its assets per day.",
        "At today's rates and prices that is 795.65 USDT. See which loan is expensive, and repay "
        "it or borrow another currency.",
        severity="warning",
    ),
    "a doubled rate": fired(
        "BorrowRateDoubled",
        "dear",
        "The interest on BTC, which account dear owes, has doubled within a day.",
        "It now costs 220 % a year, at least twice the lowest rate of the last day. A rate that "
        "jumps often tells that the currency is scarce. Decide whether to keep this loan.",
        severity="warning",
        currency="BTC",
    ),
    "totals that are off": fired(
        "Integrity",
        "dear",
        "The balances of account dear do not add up to the totals that BitoPro reports.",
        "Its totals differ by more than 1 % from its balances at mark prices, or the total of a "
        "currency from what is available and in orders. Liquidation prices, distances and stress "
        "are off by as much; the ratio comes from the reported totals alone. Compare both with the "
        "exchange's own site, and keep a wider margin until you know.",
        severity="warning",
    ),
    "stress": fired(
        "StressCrosses",
        "fall",
        "A move of all that moves by 20 % would bring account fall to 1.1294, into liquidation.",
        "It is the worse of a fall and a rise, of everything but the account's unit and stable "
        "currencies. Such days happen. Have ready what you would repay or add.",
        severity="info",
    ),
    "a drill that went blind says so": fired(
        "RatioLiquidation",
        "drill",
        "DRILL, no real account: Account drill has fallen below its liquidation threshold, and is "
        "at 1.1500.",
        "This is the last ratio known, nothing newer is. " + _SOLD_NOW,
    ),
    "what is not proven safe says why": fired(
        "NotProvenSafe",
        "drill",
        "DRILL, no real account: Account drill is not proven safe.",
        "Nothing has proven for a while that it is safe, so treat it as being liquidated "
        "until you know better. Reasons of failed polls: timeout. Look at the account on the "
        "exchange's own site first, then fix the exporter.",
    ),
    "an account that vanished has no failed polls": fired(
        "NotProvenSafe",
        "gone",
        "Account gone is not proven safe.",
        "Nothing has proven for a while that it is safe, so treat it as being liquidated "
        "until you know better. Reasons of failed polls: none, so its page is missing or its "
        "totals are. Look at the account on the exchange's own site first, then fix the exporter.",
    ),
}
DESCRIBED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ClockSkew", "skewed"): (
        "It was seen at the exporter skewed, in polls of account skewed. BitoPro accepts the "
        "signed requests, so the clock is about right: a cache on the way answers with old "
        "copies. ",
    ),
    ("ClockSkew", "skewed and failing"): (
        "It was seen at the exporter skewed and failing, in polls of account skewed and failing. "
        "Polls fail. ",
    ),
    # Prometheus gives the others in any order.
    ("AccountsAreOne", "twin-1"): tuple(
        f"Its answers carry the same accountID as those for {others}. "
        for others in ("twin-2, twin-3", "twin-3, twin-2")
    ),
    # What a drill's exchange asks for a loan is not quoted.
    ("BorrowRateDoubled", "rate"): ("It now costs 3 % a year, ",),
}


@pytest.fixture(scope="module")
def texts(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> list[Text]:
    """What is written on alerts at minute 22."""
    folder = tmp_path_factory.mktemp("texts")
    asked = {f"BitoproMargin{alert}" for alert, _ in DESCRIBED} | {
        each.alert for each in TEXTS.values()
    }
    return [
        text
        for series in SCENARIOS
        for text in written(promtool, folder, series, sorted(asked), minutes=22)
    ]


@pytest.mark.parametrize("expected", TEXTS.values(), ids=TEXTS)
def test_text(texts: list[Text], expected: Text) -> None:
    got = [
        Text(each.alert, each.labels, each.english)
        for each in texts
        if (each.alert, each.labels.get("account")) == (expected.alert, expected.labels["account"])
    ]

    assert expected in got


@pytest.mark.parametrize(("alert", "account"), DESCRIBED)
def test_description_begins_like_this(texts: list[Text], alert: str, account: str) -> None:
    (description,) = (
        each.annotations["description"]
        for each in texts
        if each.alert == f"BitoproMargin{alert}" and each.labels["account"] == account
    )

    assert description.startswith(DESCRIBED[alert, account])


def test_chinese_says_what_the_english_says(texts: list[Text]) -> None:
    assert [fault for each in texts for fault in each.faults] == []
