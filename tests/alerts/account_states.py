"""The matrix: states that an account can be in, good and bad.

A state begins at minute 5. A bad one ends at minute 16, a good one when it says so or never.
"""

from dataclasses import dataclass, field

from tests.alerts.cases import (
    ASSETS,
    DEBT,
    LAST_SUCCESS,
    NO_DEBT,
    NO_PAGE,
    POLLS,
    SAFE,
    STARTED,
    UP,
    ratio,
)
from tests.alerts.scenarios import (
    ABSENT,
    BTC_PRICE,
    LABEL_SAFE,
    MINUTE,
    STALE,
    Changes,
    History,
    Series,
    account,
    always,
    between,
    counter,
    during,
)

START, END = 5, 16
_FROM, _TO = START * MINUTE, END * MINUTE
_FOREVER = 10_000


@dataclass(frozen=True)
class State:
    """A state, and the other series that are there with it."""

    name: str
    changes: Changes
    beside: Series = field(default_factory=dict)

    @property
    def series(self) -> Series:
        """Return the history of the account, which is named after the state."""
        return {**account(self.name, self.changes), **self.beside}


def _bad(name: str, changes: Changes) -> State:
    return State(name, during(_FROM, _TO, changes))


def _good(name: str, changes: Changes, seconds: int = _FOREVER) -> State:
    return State(name, during(_FROM, _FROM + seconds, changes))


def labelled(name: str, history: History, instance: str | None = None) -> Series:
    """Return the series of a label that the exchange does not document, and that is not safe."""

    def is_safe(at: int) -> float:
        return 1 - (history(at) == 1)

    page = account(name, {SAFE: history, LABEL_SAFE: is_safe}, instance=instance)
    return {
        series.replace("SAFETY_THRESHOLD", "MARGIN_CALL"): each
        for series, each in page.items()
        if "_ad_ratio_label" in series
    }


# All that a page shows of an account, and nothing about its exporter.
OF_ACCOUNT = "bitopro_margin_[!e]*"

BAD = [
    _bad("assets not a number", {ASSETS: "NaN"}),
    _bad("debt not a number", {DEBT: "NaN"}),
    _bad("assets infinite", {ASSETS: "Inf"}),
    _bad("debt infinite", {DEBT: "Inf"}),
    _bad("assets negative", {ASSETS: -1}),
    _bad("debt negative", {DEBT: -1}),
    _bad("totals stale", {ASSETS: STALE, DEBT: STALE}),
    _bad("totals gone without a marker", {ASSETS: ABSENT, DEBT: ABSENT}),
    _bad("assets stale", {ASSETS: STALE}),
    _bad("debt stale", {DEBT: STALE}),
    _bad("assets gone without a marker, and no debt", {**NO_DEBT, ASSETS: ABSENT}),
    _bad("debt gone without a marker", {DEBT: ABSENT}),
    State("debt of zero gone without a marker", {DEBT: between(_FROM, _TO, ABSENT, always(0))}),
    _bad("account gone", {OF_ACCOUNT: STALE}),
    _bad("account gone without a marker", {OF_ACCOUNT: ABSENT}),
    _bad("success frozen", {LAST_SUCCESS: _FROM}),
    _bad("page frozen", {LAST_SUCCESS: _FROM, POLLS: 20}),
    _bad("success in the future", {LAST_SUCCESS: lambda at: at + 3600}),
    _bad("success long past", {LAST_SUCCESS: lambda at: at - 3600}),
    _bad("success not a number", {LAST_SUCCESS: "NaN"}),
    _bad("never polled", {UP: 0, LAST_SUCCESS: 0, ASSETS: STALE, DEBT: STALE}),
    _bad("polls fail", {UP: 0}),
    _bad("up not a number", {UP: "NaN"}),
    _bad("threshold gone", {'bitopro_margin_ad_ratio_threshold{level="liquidation"}': STALE}),
    _bad("threshold not a number", {"bitopro_margin_ad_ratio_threshold*": "NaN"}),
    _bad("exporter down", {**NO_PAGE, "up": 0}),
    _bad("exporter gone", {**NO_PAGE, "up": STALE}),
    _bad("exporter gone without a marker", {**dict.fromkeys(NO_PAGE, ABSENT), "up": ABSENT}),
    _bad("below liquidation", ratio(1.19)),
    _bad("nothing but debt", {ASSETS: 0}),
    _bad("no label", {SAFE: STALE}),
    State(
        "a label of danger",
        during(_FROM, _TO, {SAFE: STALE}),
        labelled("a label of danger", between(_FROM, _TO, 1, always(STALE))),
    ),
    _bad("a status of danger", {"bitopro_margin_margin_status": 2}),
    _bad("a contradiction", {'bitopro_margin_inconsistent{check="debt"}': 1}),
]


def _in_other_unit(name: str, marker: str) -> Series:
    """Return an account whose unit changes from USDT to TWD."""
    gone: Changes = {ASSETS: marker, DEBT: marker, "bitopro_margin_mark_price*": marker}
    usdt = account(name, during(_FROM, _FOREVER, gone))
    price: Changes = {BTC_PRICE: 64_824.45906666 * 32}
    twd = account(name, {ASSETS: 748_279.60832069 * 32, DEBT: 129_823.00462234 * 32, **price})
    usdt_in_twd = f'bitopro_margin_mark_price{{currency="USDT",unit="TWD",{_target(name)}}}'
    return {
        **usdt,
        **{
            series.replace('unit="USDT"', 'unit="TWD"'): between(0, _FROM, ABSENT, history)
            for series, history in twd.items()
            if 'unit="USDT"' in series and "info" not in series
        },
        usdt_in_twd: between(0, _FROM, ABSENT, always(32)),
    }


def _target(name: str) -> str:
    return f'instance="{name}",job="bitopro-margin"'


def _outage(seconds: int, after: Changes) -> Changes:
    """Return no page for a while, then for half a minute what an exporter shows at its start."""
    down = during(_FROM, _FROM + seconds, {**NO_PAGE, "up": 0})
    start = during(_FROM + seconds, _FROM + seconds + 30, after)
    return {
        **down,
        **{
            series: between(_FROM, _FROM + seconds, down[series], history)
            for series, history in start.items()
        },
        STARTED: between(_FROM, _FROM + seconds, STALE, lambda at: 1 if at < _FROM else 2),
        POLLS: between(
            _FROM, _FROM + seconds, STALE, lambda at: counter(at if at < _FROM else at - _FROM)
        ),
    }


_BEFORE_FIRST_POLL: Changes = {
    UP: 0,
    LAST_SUCCESS: 0,
    ASSETS: STALE,
    DEBT: STALE,
    SAFE: STALE,
    "bitopro_margin_ad_ratio": STALE,
}

GOOD = [
    _good("healthy", {}),
    _good("no debt", NO_DEBT),
    _good("no debt, a ratio of zero", {**NO_DEBT, "bitopro_margin_ad_ratio": 0}),
    _good(
        "nothing at all",
        {
            **NO_DEBT,
            ASSETS: 0,
            "bitopro_margin_available_amount*": 0,
            "bitopro_margin_total_amount*": 0,
        },
    ),
    _good("debt comes and goes", NO_DEBT, 300),
    _good("one failed poll", {UP: 0}, 30),
    _good("one failed scrape", {**NO_PAGE, "up": 0}, 15),
    # The exchange is gone for two minutes; the exporter asks again up to 75 s later.
    State(
        "two minutes without the exchange",
        {
            **during(_FROM, _FROM + 210, {UP: 0, LAST_SUCCESS: _FROM - 5}),
            **during(
                _FROM + 45,
                _FROM + 210,
                {ASSETS: STALE, DEBT: STALE, SAFE: STALE, "bitopro_margin_ad_ratio": STALE},
            ),
        },
    ),
    State("two minutes without the exporter", _outage(120, _BEFORE_FIRST_POLL)),
    State("exporter restarted", _outage(15, _BEFORE_FIRST_POLL)),
    _good("Prometheus restarted", {**dict.fromkeys(NO_PAGE, ABSENT), "up": ABSENT}, 120),
    State(
        "two exporters",
        {},
        account("two exporters", {ASSETS: 700_000}, instance="second of two exporters"),
    ),
    State("unit changed", {}, _in_other_unit("unit changed", STALE)),
    State(
        "unit changed without a marker", {}, _in_other_unit("unit changed without a marker", ABSENT)
    ),
    _good("clocks half a minute apart", {LAST_SUCCESS: lambda at: at + 30}),
    _good("half a minute behind", {LAST_SUCCESS: lambda at: at - 30}),
    State("borrowing off", {"bitopro_margin_borrow_status*": 0}),
]
