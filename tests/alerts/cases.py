"""Each alert with a history that raises it, and near misses that do not.

A fault begins at minute 10 and ends at minute 22, if nothing else is said. The account is named
after its case, and so is its exporter.
"""

from dataclasses import dataclass, field

from tests.alerts.scenarios import (
    MINUTE,
    STALE,
    Changes,
    History,
    Labels,
    World,
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


@dataclass(frozen=True)
class Case:
    """A history of an account, for one alert.

    The alert fires from minute `first` to minute `last`, and at no other, or never without them;
    `slack` is granted at either end where the alert looks back through a window. `labels` come
    beside the account's or exporter's name.
    """

    alert: str
    changes: Changes
    first: int | None = None
    last: int | None = None
    about: str = ""
    labels: Labels = field(default_factory=dict)
    of_exporter: bool = False
    slack: int = 0

    @property
    def name(self) -> str:
        """Return the name of the account."""
        alert = self.alert.removeprefix("BitoproMargin")
        return f"{alert}: {self.about}" if self.about else alert

    @property
    def world(self) -> World:
        """Return the history of the account."""
        return account(self.name, self.changes)

    @property
    def expected_labels(self) -> Labels:
        """Return all labels of the alert but its name and severity."""
        of = "instance" if self.of_exporter else "account"
        return {of: self.name, **{k: v or self.name for k, v in self.labels.items()}}


def _fault(changes: Changes) -> dict[str, History]:
    return during(START * MINUTE, END * MINUTE, changes)


def _fault_then_blindness(changes: Changes) -> dict[str, History]:
    """Let the answers end three minutes after the fault begins; both end at the usual minute."""
    blind: Changes = {UP: 0, ASSETS: STALE, DEBT: STALE, **dict.fromkeys(changes, STALE)}
    silent_from = START + 3
    return then((START, silent_from, changes), (silent_from, END, blind))


def _fault_with_a_failed_scrape(changes: Changes) -> dict[str, History]:
    return {
        series: between(START * MINUTE + 60, START * MINUTE + 75, STALE, history)
        for series, history in _fault(changes).items()
    }


_AT_THE_EXPORTER = {"instance": ""}
_JOB = {"job": "bitopro-margin"}

FIRING = [
    Case("BitoproMarginRatioLiquidation", _fault(ratio(1.1999)), 10, 26),
    Case("BitoproMarginRatioCritical", _fault(ratio(1.2999)), 11, 26),
    Case("BitoproMarginRatioWarning", _fault(ratio(1.4999)), 15, 31),
    Case(
        "BitoproMarginRatioWarning",
        {
            **_fault(ratio(1.9)),
            'bitopro_margin_ad_ratio_threshold{level="warning"}': 2.0,
        },
        15,
        31,
        about="the account's own threshold",
    ),
    Case("BitoproMarginNotProvenSafe", _fault({UP: 0}), 14, 23),
    Case(
        "BitoproMarginRatioFallingFast",
        {ASSETS: line(10, 20, 280_000, 240_000), DEBT: 100_000},
        19,
        38,
        slack=1,
    ),
    Case("BitoproMarginExchangeLabel", _fault({SAFE: STALE}), 11, 31),
    Case(
        "BitoproMarginExchangeLabel",
        _fault_then_blindness({SAFE: STALE}),
        11,
        31,
        about="then blind",
    ),
    Case(
        "BitoproMarginAccountStatus",
        _fault_then_blindness({"bitopro_margin_account_status": 3}),
        11,
        31,
        about="then blind",
        labels={"field": "accountStatus"},
    ),
    Case(
        "BitoproMarginInconsistent",
        _fault_then_blindness({'bitopro_margin_inconsistent{check="debt"}': 1}),
        12,
        26,
        about="then blind",
        labels={"check": "debt"},
    ),
    Case(
        "BitoproMarginAccountStatus",
        _fault({"bitopro_margin_account_status": 3}),
        11,
        31,
        labels={"field": "accountStatus"},
    ),
    Case(
        "BitoproMarginAccountStatus",
        _fault({"bitopro_margin_margin_status": 0}),
        11,
        31,
        about="the margin's",
        labels={"field": "marginStatus"},
    ),
    Case(
        "BitoproMarginInconsistent",
        _fault_with_a_failed_scrape({'bitopro_margin_inconsistent{check="ad_ratio"}': 1}),
        12,
        26,
        labels={"check": "ad_ratio"},
    ),
    Case(
        "BitoproMarginInconsistent",
        _fault({'bitopro_margin_inconsistent{check="debt"}': 1}),
        12,
        26,
        about="the debt",
        labels={"check": "debt"},
    ),
    Case(
        "BitoproMarginInconsistentAmounts",
        _fault_with_a_failed_scrape({'bitopro_margin_inconsistent{check="total_amount"}': 1}),
        12,
        26,
    ),
    Case(
        "BitoproMarginTransferMaintenance",
        _fault_with_a_failed_scrape({'bitopro_margin_transfer_status{currency="BTC"}': 2}),
        12,
        26,
        labels={"currency": "BTC"},
    ),
    Case(
        "BitoproMarginBorrowMaintenance",
        _fault_with_a_failed_scrape({'bitopro_margin_borrow_status{currency="ETH"}': 2}),
        12,
        26,
        labels={"currency": "ETH"},
    ),
    Case(
        "BitoproMarginAuthenticationFailing",
        {**_fault({UP: 0}), failures("auth"): rising(START, END, 60)},
        11,
        23,
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginRateLimited",
        {**_fault({UP: 0}), failures("rate_limited"): rising(START, START + 1, 60)},
        11,
        29,
        labels=_AT_THE_EXPORTER,
        slack=1,
    ),
    Case(
        "BitoproMarginClockSkew",
        _fault_with_a_failed_scrape({"bitopro_margin_clock_skew_seconds": -5.5}),
        15,
        26,
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginPollFailures",
        {failures("timeout"): rising(START, END, 30)},
        18,
        30,
        labels=_AT_THE_EXPORTER,
        slack=1,
    ),
    Case(
        "BitoproMarginExporterDown",
        _fault({**NO_PAGE, "up": 0}),
        13,
        25,
        of_exporter=True,
        labels=_JOB,
    ),
    Case(
        "BitoproMarginAccountUnreachable",
        _fault({**NO_PAGE, "up": 0}),
        14,
        26,
        slack=1,
    ),
    Case(
        "BitoproMarginExporterRestarting",
        {STARTED: lambda at: min(max(at // 120, 5), 8)},
        16,
        36,
        of_exporter=True,
        labels=_JOB,
        slack=1,
    ),
    Case(
        "BitoproMarginConfigReloadFailed",
        _fault_with_a_failed_scrape({RELOADED: 0}),
        11,
        22,
        of_exporter=True,
        labels=_JOB,
    ),
    Case(
        "BitoproMarginExposedWithoutAuth",
        during(START * MINUTE, 28 * MINUTE, {EXPOSED: 1}),
        25,
        28,
        of_exporter=True,
        labels=_JOB,
    ),
]

# Those that need to be looked at for longer.
FIRING_LATE = [
    Case(
        "BitoproMarginAnswerFrozen",
        {LAST_CHANGE: lambda at: min(at, 10 * MINUTE) if at < 60 * MINUTE else at},
        42,
        64,
        slack=1,
    ),
    Case(
        "BitoproMarginRatioPredictedToCross",
        {
            ASSETS: between(60 * MINUTE, 90 * MINUTE, 280_000, line(0, 70, 280_000, 200_000)),
            DEBT: 100_000,
        },
        40,
        75,
        slack=1,
    ),
]

_STABLECOINS_ONLY: Changes = {
    'bitopro_margin_total_amount{currency="BTC"}': 0,
    'bitopro_margin_total_amount{currency="USDT"}': 100_041.5001,
    'bitopro_margin_borrow_amount{currency="BTC"}': 0,
    'bitopro_margin_borrow_interest_amount{currency="BTC"}': 0,
    'bitopro_margin_borrow_amount{currency="USDT"}': 50_000,
    ASSETS: 100_041.5001,
    DEBT: 50_000,
}

NEAR_MISSES = [
    Case(
        "BitoproMarginRatioLiquidation",
        _fault({ASSETS: 120_000, DEBT: 100_000}),
        about="at the threshold",
    ),
    Case(
        "BitoproMarginRatioCritical",
        _fault({ASSETS: 130_000, DEBT: 100_000}),
        about="at the threshold",
    ),
    Case(
        "BitoproMarginRatioCritical",
        during(600, 645, ratio(1.25)),
        about="for less than a minute",
    ),
    Case(
        "BitoproMarginRatioWarning",
        _fault({ASSETS: 150_000, DEBT: 100_000}),
        about="at the threshold",
    ),
    Case(
        "BitoproMarginRatioWarning",
        _fault({**ratio(1.505), "bitopro_margin_ad_ratio": 1.49}),
        about="the reported ratio only",
    ),
    Case(
        "BitoproMarginRatioFallingFast",
        {ASSETS: line(10, 20, 5_000_000, 4_000_000), DEBT: 100_000},
        about="far above the thresholds",
    ),
    Case(
        "BitoproMarginRatioFallingFast",
        {ASSETS: line(0, 40, 280_000, 240_000), DEBT: 100_000},
        about="slowly",
    ),
    Case("BitoproMarginExchangeLabel", _fault(NO_DEBT), about="without debt"),
    Case(
        "BitoproMarginAccountStatus",
        _fault({**NO_DEBT, "bitopro_margin_margin_status": 0}),
        about="without debt",
        labels={"field": "marginStatus"},
    ),
    Case(
        "BitoproMarginInconsistent",
        during(600, 615, {'bitopro_margin_inconsistent{check="debt"}': 1}),
        about="for one poll",
        labels={"check": "debt"},
    ),
    Case(
        "BitoproMarginInconsistentAmounts",
        during(600, 615, {'bitopro_margin_inconsistent{check="total_amount"}': 1}),
        about="for one poll",
    ),
    Case(
        "BitoproMarginTransferMaintenance",
        _fault({'bitopro_margin_transfer_status{currency="BTC"}': 0}),
        about="switched off",
        labels={"currency": "BTC"},
    ),
    Case(
        "BitoproMarginBorrowMaintenance",
        _fault({'bitopro_margin_borrow_status{currency="BTC"}': 0}),
        about="switched off",
        labels={"currency": "BTC"},
    ),
    Case(
        "BitoproMarginAuthenticationFailing",
        {**during(600, 660, {UP: 0}), failures("auth"): rising(10, 10, 60)},
        about="once",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginAuthenticationFailing",
        {failures("auth"): rising(10, 40, 60)},
        about="while other polls succeed",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginRateLimited",
        {failures("rate_limited"): rising(10, 10, 60)},
        about="once",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginClockSkew",
        _fault({"bitopro_margin_clock_skew_seconds": 4.5}),
        about="tolerated",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginPollFailures",
        {failures("timeout"): rising(10, 12, 30)},
        about="for two minutes",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginPollFailures",
        {failures("timeout"): rising(10, 11, 60), POLLS: rising(0, 60, 200)},
        about="two of few",
        labels=_AT_THE_EXPORTER,
    ),
    Case(
        "BitoproMarginExporterRestarting",
        {STARTED: lambda at: min(max(at // 120, 5), 7)},
        about="twice",
        of_exporter=True,
        labels=_JOB,
    ),
    Case(
        "BitoproMarginExposedWithoutAuth",
        _fault({EXPOSED: 1}),
        about="for twelve minutes",
        of_exporter=True,
        labels=_JOB,
    ),
]

NEAR_MISSES_LATE = [
    Case(
        "BitoproMarginAnswerFrozen",
        {**_STABLECOINS_ONLY, LAST_CHANGE: 600},
        about="stablecoins only",
    ),
    Case("BitoproMarginAnswerFrozen", {**NO_DEBT, LAST_CHANGE: 600}, about="without debt"),
    Case(
        "BitoproMarginAnswerFrozen",
        {LAST_CHANGE: lambda at: at // 1740 * 1740},
        about="for 29 minutes",
    ),
    Case(
        "BitoproMarginRatioPredictedToCross",
        {ASSETS: line(0, 300, 280_000, 220_000), DEBT: 100_000},
        about="later than in four hours",
    ),
    Case(
        "BitoproMarginRatioPredictedToCross",
        {ASSETS: line(0, 20, 280_000, 220_000), DEBT: 100_000},
        about="a fall that is over",
    ),
]
