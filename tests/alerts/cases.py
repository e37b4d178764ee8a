"""Each alert with a history that raises it, and near misses that do not.

A fault begins at minute 10 and ends at minute 22, if nothing else is said. The account is named
after its case, and so is its exporter.
"""

from tests.alerts.scenarios import (
    MINUTE,
    STALE,
    Changes,
    History,
    Series,
    account,
    between,
    during,
    then,
)

START, END = 10, 22
ASSETS = 'bitopro_margin_total_asset_amount{unit="USDT"}'
DEBT = 'bitopro_margin_total_debt_amount{unit="USDT"}'
UP = "bitopro_margin_up"
LAST_SUCCESS = "bitopro_margin_last_success_timestamp_seconds"
LAST_CHANGE = "bitopro_margin_last_change_timestamp_seconds"
POLLS = "bitopro_margin_polls_total"
SAFE = 'bitopro_margin_ad_ratio_label{label="SAFETY_THRESHOLD"}'
ACCOUNT_STATUS = "bitopro_margin_account_status"
MARGIN_STATUS = "bitopro_margin_margin_status"
INCONSISTENT = 'bitopro_margin_inconsistent{check="%s"}'
TRANSFER_STATUS = 'bitopro_margin_transfer_status{currency="BTC"}'
BORROW_STATUS = 'bitopro_margin_borrow_status{currency="%s"}'
CLOCK_SKEW = "bitopro_margin_clock_skew_seconds"
UNDOCUMENTED = 'bitopro_margin_undocumented_values_total{kind="label"}'
RELOADED = "bitopro_margin_exporter_config_last_reload_successful"
EXPOSED = "bitopro_margin_exporter_exposed_without_auth"
STARTED = "process_start_time_seconds"


def ratio(value: float) -> dict[str, float]:
    """Return totals of that ratio, with a debt of 100,000."""
    return {ASSETS: value * 100_000, DEBT: 100_000}


NO_DEBT: Changes = {
    DEBT: 0,
    "bitopro_margin_borrow_amount*": 0,
    "bitopro_margin_borrow_interest_amount*": 0,
    "bitopro_margin_ad_ratio": STALE,
    SAFE: STALE,
}
NO_PAGE: Changes = {"bitopro_margin_*": STALE, "process_*": STALE}


def failures(reason: str) -> str:
    """Return the name of a count of failures."""
    return f'bitopro_margin_poll_failures_total{{reason="{reason}"}}'


def rising(start: int, end: int, seconds: int) -> History:
    """Return a count that rises by one each so many seconds, between two minutes."""
    return lambda at: max(0, min(at, end * MINUTE) - start * MINUTE + seconds) // seconds


def line(start: int, end: int, before: float, after: float) -> History:
    """Return a value that moves evenly between two minutes, and stays."""
    return lambda at: (
        before + (after - before) * min(1.0, max(0.0, (at / MINUTE - start) / (end - start)))
    )


class Case:
    """A history of an account, for one alert.

    A name is that of the alert, and what is special. The alert fires from minute `first` to minute
    `last`, and at no other, or never without them; `slack` is granted at either end where the alert
    looks back through a window. `labels` come beside the account's name, or the exporter's where
    one of them is the job.
    """

    def __init__(
        self,
        name: str,
        changes: Changes,
        first: int | None = None,
        last: int | None = None,
        *,
        slack: int = 0,
        **labels: str,
    ) -> None:
        self.name, self.alert = name, f"BitoproMargin{name.partition(':')[0]}"
        self.changes, self.first, self.last, self.slack = changes, first, last, slack
        of = "instance" if "job" in labels else "account"
        self.labels = {of: self.name, **{k: v or self.name for k, v in labels.items()}}

    @property
    def series(self) -> Series:
        """Return the history of the account."""
        return account(self.name, self.changes)

    def is_met_by(self, minutes: list[int]) -> bool:
        """Return whether these are the minutes, without a gap, at which the alert is to fire."""
        if self.first is None or self.last is None:
            return not minutes
        return (
            minutes != []
            and minutes == list(range(minutes[0], minutes[-1] + 1))
            and abs(minutes[0] - self.first) <= self.slack
            and abs(minutes[-1] - self.last) <= self.slack
        )


def fault(changes: Changes) -> dict[str, History]:
    """Return changes that hold from the usual minute to the usual minute."""
    return during(START * MINUTE, END * MINUTE, changes)


def _around(below: float, above: float) -> dict[str, History]:
    """Let a ratio be below for three minutes, then above; both end at the usual minute."""
    return then((START, START + 3, ratio(below)), (START + 3, END, ratio(above)))


def _then_blind(changes: Changes) -> dict[str, History]:
    """Let the answers end three minutes after the fault begins; both end at the usual minute."""
    blind: Changes = {UP: 0, ASSETS: STALE, DEBT: STALE, **dict.fromkeys(changes, STALE)}
    silent_from = START + 3
    return then((START, silent_from, changes), (silent_from, END, blind))


def _with_a_failed_scrape(changes: Changes) -> dict[str, History]:
    return {
        series: between(START * MINUTE + 60, START * MINUTE + 75, STALE, history)
        for series, history in fault(changes).items()
    }


JOB = "bitopro-margin"

_STABLECOINS_ONLY: Changes = {
    'bitopro_margin_total_amount{currency="BTC"}': 0,
    'bitopro_margin_total_amount{currency="USDT"}': 100_041.5001,
    'bitopro_margin_borrow_amount{currency="BTC"}': 0,
    'bitopro_margin_borrow_interest_amount{currency="BTC"}': 0,
    'bitopro_margin_borrow_amount{currency="USDT"}': 50_000,
    ASSETS: 100_041.5001,
    DEBT: 50_000,
}

CASES = [
    Case("RatioLiquidation", fault(ratio(1.1999)), 10, 21),
    Case("RatioLiquidation: and around it", _around(1.19, 1.25), 10, 21),
    Case("RatioCritical", fault(ratio(1.2999)), 10, 21),
    Case("RatioCritical: and around it", _around(1.29, 1.36), 10, 21),
    Case("RatioCritical: and more than 5 % above", _around(1.29, 1.37), 10, 12),
    Case("RatioCritical: for a moment", during(600, 615, ratio(1.25)), 10, 10),
    Case(
        "LiquidationImminent",
        {
            ASSETS: between(25 * MINUTE, 60 * MINUTE, 160_000, line(10, 20, 159_000, 130_000)),
            DEBT: 100_000,
        },
        13,
        25,
        slack=1,
    ),
    Case("RatioWarning", fault(ratio(1.4999)), 15, 21),
    Case("RatioWarning: and above it", then((10, 16, ratio(1.49)), (16, 21, ratio(1.57))), 15, 20),
    Case(
        "RatioWarning: and more than 5 % above",
        then((10, 16, ratio(1.49)), (16, 21, ratio(1.58))),
        15,
        15,
    ),
    Case("RatioWarning: for a moment", during(600, 615, ratio(1.49))),
    Case(
        "RatioWarning: the account's own threshold",
        {**fault(ratio(1.9)), 'bitopro_margin_ad_ratio_threshold{level="warning"}': 2.0},
        15,
        21,
    ),
    Case("NotProvenSafe", fault({UP: 0}), 14, 23),
    Case("NotProvenSafe: in danger", {**ratio(1.8), **fault({UP: 0})}, 12, 23),
    Case("NotProvenSafe: far from danger", {**ratio(1.9), **fault({UP: 0})}, 14, 23),
    Case(
        "RatioFallingFast", {ASSETS: line(10, 20, 280_000, 240_000), DEBT: 100_000}, 14, 33, slack=1
    ),
    Case(
        "RatioFallingFast: at once",
        {ASSETS: lambda at: 280_000 if at < START * MINUTE else 265_000, DEBT: 100_000},
        11,
        24,
        slack=1,
    ),
    Case("ExchangeLabel", fault({SAFE: STALE}), 11, 23),
    Case("ExchangeLabel: then blind", _then_blind({SAFE: STALE}), 11, 23),
    Case(
        "AccountStatus: then blind", _then_blind({ACCOUNT_STATUS: 3}), 11, 31, field="accountStatus"
    ),
    Case("Inconsistent: then blind", _then_blind({INCONSISTENT % "debt": 1}), 12, 26, check="debt"),
    Case("AccountStatus", fault({ACCOUNT_STATUS: 3}), 11, 31, field="accountStatus"),
    Case("AccountStatus: the margin's", fault({MARGIN_STATUS: 0}), 11, 31, field="marginStatus"),
    Case(
        "Inconsistent",
        _with_a_failed_scrape({INCONSISTENT % "ad_ratio": 1}),
        12,
        26,
        check="ad_ratio",
    ),
    Case("Inconsistent: the debt", fault({INCONSISTENT % "debt": 1}), 12, 26, check="debt"),
    Case(
        "TransferMaintenance", _with_a_failed_scrape({TRANSFER_STATUS: 2}), 12, 26, currency="BTC"
    ),
    Case(
        "BorrowMaintenance",
        _with_a_failed_scrape({BORROW_STATUS % "ETH": 2}),
        12,
        26,
        currency="ETH",
    ),
    Case(
        "AuthenticationFailing",
        {**fault({UP: 0}), failures("auth"): rising(START, END, 60)},
        11,
        23,
        instance="",
    ),
    Case(
        "RateLimited",
        {**fault({UP: 0}), failures("rate_limited"): rising(START, START + 1, 60)},
        11,
        29,
        instance="",
        slack=1,
    ),
    Case("ClockSkew", _with_a_failed_scrape({CLOCK_SKEW: -5.5}), 15, 26, instance=""),
    Case(
        "PollFailures", {failures("timeout"): rising(START, END, 30)}, 18, 30, instance="", slack=1
    ),
    Case("ExporterDown", fault({**NO_PAGE, "up": 0}), 13, 25, job=JOB),
    Case("AccountUnreachable", fault({**NO_PAGE, "up": 0}), 14, 26, slack=1),
    Case(
        "ExporterRestarting",
        {STARTED: lambda at: min(max(at // 120, 5), 8)},
        16,
        36,
        job=JOB,
        slack=1,
    ),
    Case("ConfigReloadFailed", _with_a_failed_scrape({RELOADED: 0}), 11, 22, job=JOB),
    Case("ExposedWithoutAuth", during(START * MINUTE, 28 * MINUTE, {EXPOSED: 1}), 25, 28, job=JOB),
    # These come near, and raise nothing.
    Case("RatioLiquidation: at the threshold", fault(ratio(1.2))),
    Case("RatioCritical: at the threshold", fault(ratio(1.3))),
    Case("LiquidationImminent: slowly", {ASSETS: line(0, 38, 159_000, 140_000), DEBT: 100_000}),
    Case("LiquidationImminent: far above", {ASSETS: line(10, 20, 260_000, 165_000), DEBT: 100_000}),
    Case("RatioWarning: at the threshold", fault(ratio(1.5))),
    Case(
        "RatioWarning: the reported ratio only",
        fault({**ratio(1.505), "bitopro_margin_ad_ratio": 1.49}),
    ),
    Case(
        "RatioFallingFast: far above the thresholds",
        {ASSETS: line(10, 20, 5_000_000, 4_000_000), DEBT: 100_000},
    ),
    Case("RatioFallingFast: slowly", {ASSETS: line(0, 40, 280_000, 240_000), DEBT: 100_000}),
    Case("ExchangeLabel: without debt", fault(NO_DEBT)),
    Case("AccountStatus: without debt", fault({**NO_DEBT, MARGIN_STATUS: 0}), field="marginStatus"),
    Case("Inconsistent: for one poll", during(600, 615, {INCONSISTENT % "debt": 1}), check="debt"),
    Case("TransferMaintenance: switched off", fault({TRANSFER_STATUS: 0}), currency="BTC"),
    Case("BorrowMaintenance: switched off", fault({BORROW_STATUS % "BTC": 0}), currency="BTC"),
    Case(
        "AuthenticationFailing: once",
        {**during(600, 660, {UP: 0}), failures("auth"): rising(10, 10, 60)},
        instance="",
    ),
    Case(
        "AuthenticationFailing: while other polls succeed",
        {failures("auth"): rising(10, 40, 60)},
        instance="",
    ),
    Case("RateLimited: once", {failures("rate_limited"): rising(10, 10, 60)}, instance=""),
    Case("ClockSkew: tolerated", fault({CLOCK_SKEW: 4.5}), instance=""),
    Case("PollFailures: for two minutes", {failures("timeout"): rising(10, 12, 30)}, instance=""),
    Case(
        "PollFailures: two of few",
        {failures("timeout"): rising(10, 11, 60), POLLS: rising(0, 60, 200)},
        instance="",
    ),
    Case("ExporterRestarting: twice", {STARTED: lambda at: min(max(at // 120, 5), 7)}, job=JOB),
    Case("ExposedWithoutAuth: for twelve minutes", fault({EXPOSED: 1}), job=JOB),
]

# Those that need to be looked at for longer.
LATE_CASES = [
    Case(
        "AnswerFrozen",
        {LAST_CHANGE: lambda at: min(at, 10 * MINUTE) if at < 60 * MINUTE else at},
        42,
        64,
        slack=1,
    ),
    Case(
        "RatioPredictedToCross",
        {
            ASSETS: between(60 * MINUTE, 90 * MINUTE, 280_000, line(0, 70, 280_000, 200_000)),
            DEBT: 100_000,
        },
        40,
        75,
        slack=1,
    ),
    # These come near, and raise nothing.
    Case("AnswerFrozen: stablecoins only", {**_STABLECOINS_ONLY, LAST_CHANGE: 600}),
    Case("AnswerFrozen: without debt", {**NO_DEBT, LAST_CHANGE: 600}),
    Case("AnswerFrozen: for 29 minutes", {LAST_CHANGE: lambda at: at // 1740 * 1740}),
    Case(
        "RatioPredictedToCross: later than in four hours",
        {ASSETS: line(0, 300, 280_000, 220_000), DEBT: 100_000},
    ),
    Case(
        "RatioPredictedToCross: a fall that is over",
        {ASSETS: line(0, 20, 280_000, 220_000), DEBT: 100_000},
    ),
]
