"""What a person reads: account, ratio, threshold, what it means, what to do."""

from pathlib import Path

from tests.alerts.cases import ASSETS, DEBT, LAST_SUCCESS, NO_PAGE, UP, failures, ratio, rising
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


def fired(  # noqa: PLR0913, PLR0917 - what is written on an alert
    alert: str,
    account: str,
    summary: str,
    description: str,
    severity: str = "critical",
    dashboard: str = DASHBOARD,
    **labels: str,
) -> Text:
    """Return an alert with all that is written on it in English."""
    return Text(
        alert,
        {"account": account, "severity": severity, **labels},
        {
            "summary": summary,
            "description": description,
            "runbook_url": f"{RUNBOOK}#{alert.lower()}",
            "dashboard_url": f"{dashboard}{account}",
        },
    )


def check_texts(promtool: str, folder: Path, world: World, expected: list[Text]) -> None:
    """Compare what is written on these alerts at minute 22, and the Chinese with the English."""
    got = written(promtool, folder, world, [each.alert for each in expected], minutes=22)

    assert [Text(each.alert, each.labels, each.english) for each in got] == expected
    assert [fault for each in got for fault in each.faults] == []


def test_text_of_liquidation_calls_the_threshold_assumed(promtool: str, tmp_path: Path) -> None:
    world = account("main", during(600, FOREVER, ratio(1.1987)))

    check_texts(
        promtool,
        tmp_path,
        world,
        [
            fired(
                "BitoproMarginRatioLiquidation",
                "main",
                "Account main is below its liquidation threshold, at 1.1987.",
                "Account main has an account-to-debt ratio of 1.1987, below the assumed (you have "
                "not set it, BitoPro publishes none) liquidation threshold of 1.2. Repay 60,300 "
                "USDT or add 30,200 USDT to be back at 1.5. The exchange "
                "may be selling its assets now, for a fee. Open the exchange: repay debt, or add "
                "assets if it still lets you, then see what was sold.",
            )
        ],
    )


def test_text_of_an_insolvent_account_says_that_no_repayment_is_enough(
    promtool: str, tmp_path: Path
) -> None:
    check_texts(
        promtool,
        tmp_path,
        account("main", {**during(600, FOREVER, {ASSETS: 1_100_000, DEBT: 1_234_567}), ASSUMED: 0}),
        [
            fired(
                "BitoproMarginRatioLiquidation",
                "main",
                "Account main is below its liquidation threshold, at 0.8910.",
                "Account main has an account-to-debt ratio of 0.8910, below the liquidation "
                "threshold of 1.2. No repayment is enough; add 752,000 USDT to be back at 1.5. "
                "The exchange may be selling its assets now, for a fee. Open the exchange: repay "
                "debt, or add assets if it still lets you, then see what was sold.",
            )
        ],
    )


def test_text_of_a_near_liquidation_names_currency_price_and_amounts(
    promtool: str, tmp_path: Path
) -> None:
    check_texts(
        promtool,
        tmp_path,
        account("main", during(600, FOREVER, NEAR)),
        [
            fired(
                "BitoproMarginDistanceCritical",
                "main",
                "A move of prices by 9% would bring account main below its liquidation threshold.",
                "Account main is 9% away from the assumed (you have not set it, BitoPro publishes "
                "none) liquidation threshold of 1.2; 10 % are the limit of this alert. A fall of "
                "BTC by 9% is enough, to a price of 54600. So is a fall of all that moves by 9%. "
                "Repay 33,000 USDT or add 16,500 USDT to be back at 1.5. Act now, before the "
                "market does.",
            )
        ],
    )


def test_text_of_a_near_liquidation_says_when_a_price_is_missing(
    promtool: str, tmp_path: Path
) -> None:
    near = then((10, 15, SHORT), (15, 99, {**SHORT, BTC_PRICE: STALE}))
    check_texts(
        promtool,
        tmp_path,
        account("drill", {**near, ASSUMED: 0}),
        [
            fired(
                "BitoproMarginDistanceWarning",
                "drill",
                "DRILL, no real account: A move of prices by 15.74% would bring account drill "
                "below its liquidation threshold.",
                "Account drill is 15.74% away from the liquidation threshold of 1.2; 20 % are the "
                "limit of this alert. Not every price is known now; this is what is known, or was. "
                "Repay 20,000 USDT or add 10,000 USDT to be back at 1.5. Decide at which price you "
                "act, and how.",
                severity="warning",
            )
        ],
    )


def test_amounts_of_a_liquidation_are_told_once_whatever_jobs_scrape_it(
    promtool: str, tmp_path: Path
) -> None:
    newest = {
        LIQUIDATED_AT: 1_200,
        'bitopro_margin_last_liquidation_debt_amount{currency="USDT"}': 1_000_104.57,
        'bitopro_margin_last_liquidation_asset_amount{currency="BTC"}': 15.5,
        ASSUMED: 0,
    }
    earlier = {**newest, LIQUIDATED_AT: 900}
    earlier['bitopro_margin_last_liquidation_debt_amount{currency="USDT"}'] = 7_777_777
    world = {
        **account("main", newest),
        **account("main", newest, job="another job"),
        # An exporter that has not read the list again knows an earlier liquidation only.
        **account("main", earlier, instance="behind"),
    }
    check_texts(
        promtool,
        tmp_path,
        world,
        [
            fired(
                "BitoproMarginLiquidated",
                "main",
                "BitoPro has liquidated assets of account main.",
                "BitoPro finished a liquidation of account main 2m 0s ago; it settled 1000104.57 "
                "USDT of debt; it sold 15.5 BTC. The last ratio known is 5.7638; the liquidation "
                "threshold is 1.2. Another may follow. See on the exchange's site what is left, "
                "and whether you want to keep it; then repay or add assets.",
            )
        ],
    )


def test_text_of_clock_skew_beside_accepted_requests_names_a_copy_and_no_ntp(
    promtool: str, tmp_path: Path
) -> None:
    assert skewed(promtool, tmp_path, up=1) == (
        "The clock at the exporter main and BitoPro's differ by 600.0 s, seen in polls of account "
        "main; 5 s are tolerated. BitoPro accepts the signed requests, whose time it checks, so "
        "the clock is about right: sooner than that, a cache on the way answers with old copies, "
        "and the numbers shown are as old. Look at the account on the exchange's site, and exempt "
        "the API from caching."
    )


def test_text_of_clock_skew_beside_failed_polls_names_cached_and_ntp(
    promtool: str, tmp_path: Path
) -> None:
    assert skewed(promtool, tmp_path, up=0) == (
        "The clock at the exporter main and BitoPro's differ by 600.0 s, seen in polls of account "
        "main; 5 s are tolerated. Polls fail. With the reason cached, a cache on the way answers "
        "with old copies; otherwise BitoPro refuses requests whose time is off: check that the "
        "machine's clock is set by NTP."
    )


def skewed(promtool: str, folder: Path, *, up: int) -> str:
    """Return what is written on the alert of a clock that differs by ten minutes."""
    world = account("main", {"bitopro_margin_clock_skew_seconds": 600, UP: up})
    (text,) = written(promtool, folder, world, ["BitoproMarginClockSkew"], minutes=22)

    assert text.faults == []
    return text.annotations["description"]


def test_text_of_accounts_that_are_one_names_the_others(promtool: str, tmp_path: Path) -> None:
    world = {
        series: history
        for name in ("twin-1", "twin-2", "twin-3")
        for series, history in account(name, account_id="1").items()
    }

    first, *_ = written(promtool, tmp_path, world, ["BitoproMarginAccountsAreOne"], minutes=22)

    assert first.faults == []
    said = "The answers for account twin-1 carry the same accountID as those for "
    # Prometheus gives the others in any order.
    assert first.annotations["description"].startswith(
        (f"{said}twin-2, twin-3. ", f"{said}twin-3, twin-2. ")
    )


def test_texts_of_what_was_liquidated_and_of_what_is_not_known(
    promtool: str, tmp_path: Path
) -> None:
    world = account(
        "main",
        {
            LIQUIDATED_AT: 1_200,
            'bitopro_margin_last_liquidation_debt_amount{currency="USDT"}': 1_000_104.57,
            'bitopro_margin_last_liquidation_asset_amount{currency="BTC"}': 15.5,
            ASSUMED: 0,
            **during(600, FOREVER, {BTC_PRICE: STALE}),
        },
    )
    check_texts(
        promtool,
        tmp_path,
        world,
        [
            fired(
                "BitoproMarginLiquidated",
                "main",
                "BitoPro has liquidated assets of account main.",
                "BitoPro finished a liquidation of account main 2m 0s ago; it settled 1000104.57 "
                "USDT of debt; it sold 15.5 BTC. The last ratio known is 5.7638; the liquidation "
                "threshold is 1.2. Another may follow. See on the exchange's site what is left, "
                "and whether you want to keep it; then repay or add assets.",
            ),
            fired(
                "BitoproMarginPriceMissing",
                "main",
                "No price of BTC is known for account main.",
                "Account main holds or owes BTC, and its value in the account's unit USDT is not "
                "known. So its liquidation prices are known in part, and its distance, stress and "
                "interest may not be known at all: their alerts are silent, or go by what was "
                "known before. The alerts on the ratio need no prices. See whether the exchange "
                "gives a mark price of BTC, in that unit.",
                severity="warning",
                currency="BTC",
            ),
        ],
    )


def test_text_of_a_running_liquidation(promtool: str, tmp_path: Path) -> None:
    check_texts(
        promtool,
        tmp_path,
        account("main", during(600, FOREVER, {UNFINISHED: 2})),
        [
            fired(
                "BitoproMarginLiquidationRunning",
                "main",
                "BitoPro lists a liquidation of account main that is not finished.",
                "Of the liquidations of account main, BitoPro lists 2 as not finished, at an "
                "account-to-debt ratio of 5.7638. The assumed (you have not set it, BitoPro "
                "publishes none) liquidation threshold is 1.2. What the status means is not "
                "documented; its assets may be sold at this moment. Open the exchange, and repay "
                "or add assets if it lets you.",
            )
        ],
    )


def test_texts_of_what_borrowing_costs_and_of_totals_that_are_off(
    promtool: str, tmp_path: Path
) -> None:
    world = account("main", during(1, FOREVER, {RATE % "BTC": 2.2, BTC_PRICE: 66_000}))
    check_texts(
        promtool,
        tmp_path,
        world,
        [
            fired(
                "BitoproMarginInterestHigh",
                "main",
                "Interest costs account main 0.1063% of its assets per day.",
                "Account main pays 0.1063% of its assets per day, 795.65 USDT, at today's rates "
                "and prices; 0.1% is the limit. At flat prices this alone reaches the liquidation "
                "threshold in 621 days. See which loan is expensive, and repay it or borrow "
                "another currency.",
                severity="warning",
            ),
            fired(
                "BitoproMarginBorrowRateDoubled",
                "main",
                "The interest on BTC, which account main owes, has doubled within a day.",
                "Borrowing BTC now costs 220% a year, at least twice the lowest rate of the last "
                "day (1%), and account main owes it. All its interest is now 795.65 USDT per day. "
                "Decide whether to keep this loan; a rate that jumps often tells that the currency "
                "is scarce.",
                severity="warning",
                currency="BTC",
            ),
            fired(
                "BitoproMarginIntegrity",
                "main",
                "The totals of account main are not those of its balances: 1.813% apart.",
                "For account main the balances times mark prices differ from the totals that "
                "BitoPro reports by 1.813%; 1 % is tolerated. The ratio comes from the reported "
                "totals; liquidation prices, distances and stress come from both, and are off by "
                "as much. BitoPro may value your currencies otherwise than assumed, or one of the "
                "numbers is wrong. The assumed (you have not set it, BitoPro publishes none) "
                "liquidation threshold is 1.2: compare ratio and prices with the exchange's own "
                "site, and keep a wider margin until you know.",
                severity="warning",
            ),
        ],
    )


def test_text_of_a_doubled_rate_does_not_quote_the_rate_of_a_drill(
    promtool: str, tmp_path: Path
) -> None:
    rates = during(300, FOREVER, {RATE % "BTC": 0.03})
    of_drill = drill({RATE % "BTC": always(0.0001)})
    (text,) = written(
        promtool,
        tmp_path,
        {**account("main", rates), **of_drill},
        ["BitoproMarginBorrowRateDoubled"],
        minutes=22,
    )

    assert text.annotations["description"].startswith(
        "Borrowing BTC now costs 3% a year, at least twice the lowest rate of the last day (1%), "
        "and account main owes it."
    )


def test_text_of_liquidations_that_are_not_understood(promtool: str, tmp_path: Path) -> None:
    check_texts(
        promtool,
        tmp_path,
        account(
            "main",
            {**during(600, FOREVER, {LIQUIDATIONS_UP: 0}), REFUSED: rising(10, 99, 60)},
        ),
        [
            fired(
                "BitoproMarginLiquidationsUnreadable",
                "main",
                "BitoPro's list of liquidations of account main cannot be understood.",
                "BitoPro answers for liquidations of account main, but the answer is refused, "
                "schema. One entry of an unknown form is enough for that, and a liquidation that "
                "has just begun or ended may be such an entry. Until the answer is understood, no "
                "alert tells of liquidations. Look at the account on the exchange's site now. The "
                "exporter's log says what was not understood; report it to the exporter's project.",
                severity="warning",
            )
        ],
    )


def test_text_of_stress(promtool: str, tmp_path: Path) -> None:
    check_texts(
        promtool,
        tmp_path,
        account("main", {**during(600, FOREVER, NOT_FAR), ASSUMED: 0}),
        [
            fired(
                "BitoproMarginStressCrosses",
                "main",
                "A fall of all that moves by 20 % would bring account main to 1.1294, into "
                "liquidation.",
                "If everything that account main holds and owes fell by 20 % at once, all but its "
                "unit and stable currencies, its account-to-debt ratio would be 1.1294, below the "
                "liquidation threshold of 1.2. Such days happen. Have ready what you would repay "
                "or add.",
                severity="info",
            )
        ],
    )


def blind_from_minute_15(name: str, changes: Changes) -> World:
    """Return an account whose polls time out from minute 15, and whose values then vanish."""
    series = account(name, {**during(600, FOREVER, ratio(1.15)), **changes})
    totals = {
        each: between(16 * MINUTE, FOREVER, STALE, history)
        for each, history in series.items()
        if "_amount" in each
    }
    return {**series, **totals}


TIMING_OUT: Changes = {
    UP: between(15 * MINUTE, FOREVER, 0, always(1)),
    LAST_SUCCESS: lambda at: min(at, 15 * MINUTE),
    failures("timeout"): rising(15, 30, 30),
}


def test_text_of_a_drill_that_went_blind_says_so_and_names_the_set_threshold(
    promtool: str, tmp_path: Path
) -> None:
    check_texts(
        promtool,
        tmp_path,
        blind_from_minute_15("drill", {**TIMING_OUT, ASSUMED: 0}),
        [
            fired(
                "BitoproMarginRatioLiquidation",
                "drill",
                "DRILL, no real account: Account drill is below its liquidation threshold, at "
                "1.1500.",
                "Account drill has an account-to-debt ratio of 1.1500, below the liquidation "
                "threshold of 1.2. This is the last ratio known, nothing newer is. The exchange "
                "may be selling its assets now, for a fee. Open the exchange: repay debt, or add "
                "assets if it still lets you, then see what was sold.",
            ),
            fired(
                "BitoproMarginNotProvenSafe",
                "drill",
                "DRILL, no real account: Account drill is not proven safe.",
                "Nothing has proven for four minutes that account drill is safe; treat it as being "
                "liquidated until you know better. Its last poll failed, timeout. The last good "
                "answer is 7m 0s old. The last ratio known is 1.1500; the liquidation threshold is "
                "1.2. Look at the account on the exchange's own site first, then mend the "
                "exporter.",
            ),
        ],
    )


def test_text_of_an_account_that_vanished_says_that_no_exporter_shows_it(
    promtool: str, tmp_path: Path
) -> None:
    check_texts(
        promtool,
        tmp_path,
        account("main", during(600, FOREVER, NO_PAGE)),
        [
            fired(
                "BitoproMarginNotProvenSafe",
                "main",
                "Account main is not proven safe.",
                "Nothing has proven for four minutes that account main is safe; treat it as being "
                "liquidated until you know better. No exporter shows the account. The last ratio "
                "known is 5.7638; the liquidation threshold is 1.2 (assumed). Look at the account "
                "on the exchange's own site first, then mend the exporter.",
            )
        ],
    )
