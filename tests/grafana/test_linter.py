"""The rules of Grafana's dashboard-linter, and the conventions of this project."""

import re

from tests.alerts.names import selectors
from tests.grafana.shipped import (
    ANNOTATIONS,
    DASHBOARDS,
    PANELS,
    QUERIES,
    dashboard,
)

_VERDICT = "rules aggregate job and instance away: it is one verdict per account"
_ALERT = "alerts have the labels of their account, or of their instance, and often no job"

# Selectors without job and instance, and why. Nothing else is excepted from any rule.
WITHOUT_TARGET = {
    "ALERTS": _ALERT,
    "account:bitopro_margin_ad_ratio:last_known": _VERDICT,
    "account:bitopro_margin_expected:any": _VERDICT,
}

OF_ACCOUNT = re.compile(r"account|bitopro_margin_(?!mark|borrow_[aus]\w+_|exporter)|ALERTS")
DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

NAMED_PANELS = [(f"{name}: {panel['title']}", panel) for name, panel in PANELS]
ALL_QUERIES = [*QUERIES, *ANNOTATIONS]


def scope(metric_matchers: tuple[tuple[str, str, str], ...]) -> set[tuple[str, str]]:
    """Return labels and values that are matched by regular expression."""
    return {(label, value) for label, operator, value in metric_matchers if operator == "=~"}


def test_panels_say_what_they_show_in_which_unit_and_why_they_are_empty() -> None:
    wrong = [
        name
        for name, panel in NAMED_PANELS
        for defaults in [panel["fieldConfig"]["defaults"]]
        if not (panel["title"] and defaults["unit"] and defaults["noValue"])
        or not panel["description"].endswith(".")
    ]

    assert wrong == []
    assert NAMED_PANELS


def test_panels_ask_the_chosen_data_source() -> None:
    wrong = [
        name
        for name, panel in NAMED_PANELS
        if not panel["targets"]
        or [panel["datasource"], *(each["datasource"] for each in panel["targets"])]
        != [DATA_SOURCE] * (1 + len(panel["targets"]))
    ]

    assert wrong == []


def test_annotations_ask_the_chosen_data_source() -> None:
    sources = {
        path.stem: [each["datasource"] for each in dashboard(path)["annotations"]["list"]]
        for path in DASHBOARDS
    }

    assert sources == {path.stem: [DATA_SOURCE] * 3 for path in DASHBOARDS}


def test_selectors_are_of_the_chosen_job_and_instance_where_no_exception_is_named() -> None:
    without = {
        selector.metric: str(query)
        for query in ALL_QUERIES
        for selector in selectors(query.expression)
        if not {("job", "$job"), ("instance", "$instance")} <= scope(selector.matchers)
    }
    read = {selector.metric for query in ALL_QUERIES for selector in selectors(query.expression)}

    assert {
        metric: query for metric, query in without.items() if metric not in WITHOUT_TARGET
    } == {}
    assert WITHOUT_TARGET.keys() <= read


def test_what_has_an_account_is_of_the_chosen_accounts() -> None:
    chosen = {("account", "$account"), ("account", "$account|")}
    any_account = {("alertname", "=", "BitoproMarginWatchdog")}
    wrong = [
        (str(query), selector)
        for query in ALL_QUERIES
        for selector in selectors(query.expression)
        if OF_ACCOUNT.match(selector.metric)
        and not chosen & scope(selector.matchers)
        and not any_account & set(selector.matchers)
    ]

    assert wrong == []


def test_rates_are_over_grafanas_own_interval() -> None:
    wrong = [
        (str(query), interval)
        for query in ALL_QUERIES
        for interval in re.findall(r"\bi?rate\([^\[]*\[([^\]]*)\]", query.expression)
        if interval != "$__rate_interval"
    ]

    assert wrong == []


def test_counters_are_only_read_by_how_they_rise() -> None:
    wrong = [
        (str(query), counters)
        for query in ALL_QUERIES
        for counters in [
            [each.metric for each in selectors(query.expression) if each.metric.endswith("_total")]
        ]
        if counters != re.findall(r"\b(?:rate|increase)\(([a-z_]+_total)\{", query.expression)
    ]

    assert wrong == []
