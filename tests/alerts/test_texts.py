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
    World,
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
DASHBOARD = "http://127.0.0.1:3000/d/bitopro-margin-account?var-account="
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

# A drill is an account of one name: what differs between drills is of worlds of their own.
WORLDS: list[World] = [
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
            "dashboard_url": f"{DASHBOARD}{account}",
        },
    )


TEXTS: Mapping[str, Text] = {
    "liquidation calls the threshold assumed": fired(
        "RatioLiquidation",
        "deep",
        "Account deep is below its liquidation threshold, at 1.1987.",
        "Account deep has an account-to-debt ratio of 1.1987, below the assumed (you have "
        "not set it, BitoPro publishes none) liquidation threshold of 1.2. Repay 60,300 "
        "USDT or add 30,200 USDT to be back at 1.5. The exchange "
        "may be selling its assets now, for a fee. Open the exchange: repay debt, or add "
        "assets if it still lets you, then see what was sold.",
    ),
    "an insolvent account is told that no repayment is enough": fired(
        "RatioLiquidation",
        "bust",
        "Account bust is below its liquidation threshold, at 0.8910.",
        "Account bust has an account-to-debt ratio of 0.8910, below the liquidation "
        "threshold of 1.2. No repayment is enough; add 752,000 USDT to be back at 1.5. "
        "The exchange may be selling its assets now, for a fee. Open the exchange: repay "
        "debt, or add assets if it still lets you, then see what was sold.",
    ),
    "a near liquidation names currency, price and amounts": fired(
        "DistanceCritical",
        "near",
        "A move of prices by 9% would bring account near below its liquidation threshold.",
        "Account near is 9% away from the assumed (you have not set it, BitoPro publishes "
        "none) liquidation threshold of 1.2; 10 % are the limit of this alert. A fall of "
        "BTC by 9% is enough, to a price of 54600. So is a fall of all that moves by 9%. "
        "Repay 33,000 USDT or add 16,500 USDT to be back at 1.5. Act now, before the "
        "market does.",
    ),
    "a near liquidation says when a price is missing": fired(
        "DistanceWarning",
        "drill",
        "DRILL, no real account: A move of prices by 15.74% would bring account drill "
        "below its liquidation threshold.",
        "Account drill is 15.74% away from the liquidation threshold of 1.2; 20 % are the "
        "limit of this alert. Not every price is known now; this is what is known, or was. "
        "Repay 20,000 USDT or add 10,000 USDT to be back at 1.5. Decide at which price you "
        "act, and how.",
        severity="warning",
    ),
    "amounts of a liquidation are told once, whatever jobs scrape it": fired(
        "Liquidated",
        "sold",
        "BitoPro has liquidated assets of account sold.",
        "BitoPro finished a liquidation of account sold 2m 0s ago; it settled 1000104.57 "
        "USDT of debt; it sold 15.5 BTC. The last ratio known is 5.7638; the liquidation "
        "threshold is 1.2. Another may follow. See on the exchange's site what is left, "
        "and whether you want to keep it; then repay or add assets.",
    ),
    "a price that is missing": fired(
        "PriceMissing",
        "dark",
        "No price of BTC is known for account dark.",
        "Account dark holds or owes BTC, and its value in the account's unit USDT is not "
        "known. So its liquidation prices are known in part, and its distance, stress and "
        "interest may not be known at all: their alerts are silent, or go by what was "
        "known before. The alerts on the ratio need no prices. See whether the exchange "
        "gives a mark price of BTC, in that unit.",
        severity="warning",
        currency="BTC",
    ),
    "a running liquidation": fired(
        "LiquidationRunning",
        "runs",
        "BitoPro lists a liquidation of account runs that is not finished.",
        "Of the liquidations of account runs, BitoPro lists 2 as not finished, at an "
        "account-to-debt ratio of 5.7638. The assumed (you have not set it, BitoPro "
        "publishes none) liquidation threshold is 1.2. What the status means is not "
        "documented; its assets may be sold at this moment. Open the exchange, and repay "
        "or add assets if it lets you.",
    ),
    "what borrowing costs": fired(
        "InterestHigh",
        "dear",
        "Interest costs account dear 0.1063% of its assets per day.",
        "Account dear pays 0.1063% of its assets per day, 795.65 USDT, at today's rates "
        "and prices; 0.1% is the limit. At flat prices this alone reaches the liquidation "
        "threshold in 621 days. See which loan is expensive, and repay it or borrow "
        "another currency.",
        severity="warning",
    ),
    "a doubled rate": fired(
        "BorrowRateDoubled",
        "dear",
        "The interest on BTC, which account dear owes, has doubled within a day.",
        "Borrowing BTC now costs 220% a year, at least twice the lowest rate of the last "
        "day (1%), and account dear owes it. All its interest is now 795.65 USDT per day. "
        "Decide whether to keep this loan; a rate that jumps often tells that the currency "
        "is scarce.",
        severity="warning",
        currency="BTC",
    ),
    "totals that are off": fired(
        "Integrity",
        "dear",
        "The totals of account dear are not those of its balances: 1.813% apart.",
        "For account dear the balances times mark prices differ from the totals that "
        "BitoPro reports by 1.813%; 1 % is tolerated. The ratio comes from the reported "
        "totals; liquidation prices, distances and stress come from both, and are off by "
        "as much. BitoPro may value your currencies otherwise than assumed, or one of the "
        "numbers is wrong. The assumed (you have not set it, BitoPro publishes none) "
        "liquidation threshold is 1.2: compare ratio and prices with the exchange's own "
        "site, and keep a wider margin until you know.",
        severity="warning",
    ),
    "liquidations that are not understood": fired(
        "LiquidationsUnreadable",
        "odd1",
        "BitoPro's list of liquidations of account odd1 cannot be understood.",
        "BitoPro answers for liquidations of account odd1, but the answer is refused, "
        "schema. One entry of an unknown form is enough for that, and a liquidation that "
        "has just begun or ended may be such an entry. Until the answer is understood, no "
        "alert tells of liquidations. Look at the account on the exchange's site now. The "
        "exporter's log says what was not understood; report it to the exporter's project.",
        severity="warning",
    ),
    "stress": fired(
        "StressCrosses",
        "fall",
        "A fall of all that moves by 20 % would bring account fall to 1.1294, into liquidation.",
        "If everything that account fall holds and owes fell by 20 % at once, all but its "
        "unit and stable currencies, its account-to-debt ratio would be 1.1294, below the "
        "liquidation threshold of 1.2. Such days happen. Have ready what you would repay "
        "or add.",
        severity="info",
    ),
    "a drill that went blind says so and names the set threshold": fired(
        "RatioLiquidation",
        "drill",
        "DRILL, no real account: Account drill is below its liquidation threshold, at 1.1500.",
        "Account drill has an account-to-debt ratio of 1.1500, below the liquidation "
        "threshold of 1.2. This is the last ratio known, nothing newer is. The exchange "
        "may be selling its assets now, for a fee. Open the exchange: repay debt, or add "
        "assets if it still lets you, then see what was sold.",
    ),
    "what is not proven safe says since when, and why": fired(
        "NotProvenSafe",
        "drill",
        "DRILL, no real account: Account drill is not proven safe.",
        "Nothing has proven for four minutes that account drill is safe; treat it as being "
        "liquidated until you know better. Its last poll failed, timeout. The last good "
        "answer is 7m 0s old. The last ratio known is 1.1500; the liquidation threshold is "
        "1.2. Look at the account on the exchange's own site first, then mend the "
        "exporter.",
    ),
    "an account that vanished is said to be shown by no exporter": fired(
        "NotProvenSafe",
        "gone",
        "Account gone is not proven safe.",
        "Nothing has proven for four minutes that account gone is safe; treat it as being "
        "liquidated until you know better. No exporter shows the account. The last ratio "
        "known is 5.7638; the liquidation threshold is 1.2 (assumed). Look at the account "
        "on the exchange's own site first, then mend the exporter.",
    ),
}
DESCRIBED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ClockSkew", "skewed"): (
        "The clock at the exporter skewed and BitoPro's differ by 600.0 s, seen in polls of "
        "account skewed; 5 s are tolerated. BitoPro accepts the signed requests, whose time it "
        "checks, so the clock is about right: sooner than that, a cache on the way answers with "
        "old copies, and the numbers shown are as old. Look at the account on the exchange's site, "
        "and exempt the API from caching.",
    ),
    ("ClockSkew", "skewed and failing"): (
        "The clock at the exporter skewed and failing and BitoPro's differ by 600.0 s, seen in "
        "polls of account skewed and failing; 5 s are tolerated. Polls fail. With the reason "
        "cached, a cache on the way answers with old copies; otherwise BitoPro refuses requests "
        "whose time is off: check that the machine's clock is set by NTP.",
    ),
    # Prometheus gives the others in any order.
    ("AccountsAreOne", "twin-1"): tuple(
        "The answers for account twin-1 carry the same accountID as those for " + others
        for others in ("twin-2, twin-3. ", "twin-3, twin-2. ")
    ),
    ("BorrowRateDoubled", "rate"): (
        "Borrowing BTC now costs 3% a year, at least twice the lowest rate of the last day (1%), "
        "and account rate owes it.",
    ),
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
        for world in WORLDS
        for text in written(promtool, folder, world, sorted(asked), minutes=22)
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
