"""The rules of Grafana's dashboard-linter, and the conventions of this project."""

import re
from pathlib import Path

import pytest

from tests.alerts.names import selectors
from tests.grafana.shipped import (
    ANNOTATIONS,
    DASHBOARDS,
    PANELS,
    QUERIES,
    Document,
    Query,
    dashboard,
)

_VERDICT = "rules aggregate job and instance away: it is one verdict per account"
_ALERT = "alerts have the labels of their account, or of their instance, and often no job"

# Selectors without job and instance, and why. Nothing else is excepted from any rule.
WITHOUT_TARGET = {
    "ALERTS": _ALERT,
    "account:bitopro_margin_ad_ratio:exact": _VERDICT,
    "account:bitopro_margin_ad_ratio:last_known": _VERDICT,
    "account:bitopro_margin_ad_ratio:stress": _VERDICT,
    "account:bitopro_margin_days_to_threshold:days": _VERDICT,
    "account:bitopro_margin_expected:any": _VERDICT,
    "account:bitopro_margin_integrity:ratio": _VERDICT,
    "account:bitopro_margin_interest_per_day:unit": _VERDICT,
    "account:bitopro_margin_liquidation_distance:ratio": _VERDICT,
    "account:bitopro_margin_rescue_deposit:unit": _VERDICT,
    "account:bitopro_margin_rescue_repay:unit": _VERDICT,
    "account_currency:bitopro_margin_asset:unit": _VERDICT,
    "account_currency:bitopro_margin_debt:unit": _VERDICT,
    "account_currency:bitopro_margin_liquidation_move:ratio": _VERDICT,
    "account_currency:bitopro_margin_liquidation_price:unit": _VERDICT,
    "account_currency:bitopro_margin_price_missing:bool": _VERDICT,
    "account_level:bitopro_margin_ad_ratio_threshold:last_known": _VERDICT,
}

OF_ACCOUNT = re.compile(r"account|bitopro_margin_(?!mark|borrow_[aus]\w+_|exporter)|ALERTS")
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
each_panel = pytest.mark.parametrize(
    "panel",
    [panel for _, panel in PANELS],
    ids=[f"{name}: {each['title']}" for name, each in PANELS],
)
each_query = pytest.mark.parametrize("query", [*QUERIES, *ANNOTATIONS], ids=str)


def scope(metric_matchers: tuple[tuple[str, str, str], ...]) -> set[tuple[str, str]]:
    """Give labels and values that are matched by regular expression."""
    return {(label, value) for label, operator, value in metric_matchers if operator == "=~"}


@each_panel
def test_panel_says_what_it_shows(panel: Document) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


@each_panel
def test_panel_says_why_it_is_empty(panel: Document) -> None:
    assert panel["fieldConfig"]["defaults"]["noValue"]


@each_panel
def test_panel_asks_the_chosen_data_source(panel: Document) -> None:
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]

    assert len(sources) > 1
    assert [source for source in sources if source != DATA_SOURCE] == []


@each_dashboard
def test_annotations_ask_the_chosen_data_source(path: Path) -> None:
    sources = [each["datasource"] for each in dashboard(path)["annotations"]["list"]]

    assert sources == [DATA_SOURCE] * 3


@each_query
def test_selector_is_of_the_chosen_job_and_instance(query: Query) -> None:
    without = {
        selector.metric
        for selector in selectors(query.expression)
        if not {("job", "$job"), ("instance", "$instance")} <= scope(selector.matchers)
    }

    assert without <= WITHOUT_TARGET.keys()


def test_every_exception_is_needed() -> None:
    read = {
        selector.metric
        for query in [*QUERIES, *ANNOTATIONS]
        for selector in selectors(query.expression)
    }

    assert read >= WITHOUT_TARGET.keys()


@each_query
def test_what_has_an_account_is_of_the_chosen_accounts(query: Query) -> None:
    of_account = [
        selector for selector in selectors(query.expression) if OF_ACCOUNT.match(selector.metric)
    ]
    chosen = {("account", "$account"), ("account", "$account|")}
    any_account = {("alertname", "=", "BitoproMarginWatchdog")}

    assert [
        selector
        for selector in of_account
        if not chosen & scope(selector.matchers) and not any_account & set(selector.matchers)
    ] == []


@each_query
def test_rate_is_over_grafanas_own_interval(query: Query) -> None:
    ranges = re.findall(r"\bi?rate\([^\[]*\[([^\]]*)\]", query.expression)

    assert set(ranges) <= {"$__rate_interval"}


@each_query
def test_counter_is_only_read_by_how_it_rises(query: Query) -> None:
    rising = re.findall(r"\b(?:rate|increase)\(([a-z_]+_total)\{", query.expression)
    counters = [
        selector.metric
        for selector in selectors(query.expression)
        if selector.metric.endswith("_total")
    ]

    assert counters == rising
