"""Rules and texts name only what the running exporter serves, or what other rules record."""

import re
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import NetworkError
from exporter.metrics.exporter import ExporterMetrics
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from tests.alerts.deployment import ALERTS, ALL_RULES, PROMETHEUS, TEMPLATE
from tests.alerts.names import listed_labels, queries, selectors
from tests.alerts.scenarios import MARKET
from tests.bitopro.answers import answer_with
from tests.conftest import FIXTURES
from tests.positions import POSITIONS
from tests.process.running import Running, page_showing
from tests.states import ACCOUNT, asked, at, market, polled

# Of Prometheus itself, what it adds to every target and alert and its own metrics; Alertmanager's.
TARGET = {"job", "instance"}
OF_PROMETHEUS: Mapping[str, AbstractSet[str]] = {
    "up": TARGET | {"account"},
    "ALERTS": TARGET | {"alertname", "alertstate", "account"},
    "prometheus_rule_evaluation_failures_total": TARGET | {"rule_group"},
    "prometheus_notifications_alertmanagers_discovered": TARGET,
    "prometheus_notifications_errors_total": TARGET,
    "alertmanager_notifications_failed_total": TARGET | {"integration"},
}
RECORDED = {rule.name for rule in ALL_RULES if not rule.is_alert}
# Made by label_replace.
MADE = {"field", "side"}
# What Prometheus calls a label of the page that one of the target's hides.
HIDDEN = {"exported_account"}

Values = dict[str, dict[str, set[str]]]


def served() -> Values:
    """Return the metrics of a page with accounts in several states: values by label by metric."""
    documented = (FIXTURES / "margin_balances.json").read_bytes()
    exposition = Exposition(lambda: 0.0, ExporterMetrics())
    exposition.put_market(market())
    exposition.put(asked(polled(documented)).after_failure(NetworkError("no"), at(15.0)))
    # Nothing liquidates the documented account; the loan is one that a fall does.
    loan = POSITIONS["long"]
    exposition.put(
        polled(loan.body, account=replace(ACCOUNT, name="loan")).assessed(loan.market, 0.0)
    )
    exposition.put(
        polled(answer_with("adRatioLabel", "OTHER"), account=replace(ACCOUNT, name="other"))
    )
    found: Values = {}
    for family in text_string_to_metric_families(exposition.page(Format.TEXT).decode()):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


SERVED = served()


def test_running_exporter_serves_every_metric_that_rules_read() -> None:
    command = [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"]
    with Running(command, {}) as running:
        address = running.printed(r"metrics +(\S+)/metrics")[1]
        page = page_showing(address, 'up{account="demo-1"}', 1).text

    # Some have samples only once an optional endpoint was asked, or told of a liquidation.
    on_page = set(re.findall(r"^(?:# TYPE )?(\w+)[{ ]", page, re.MULTILINE))
    assert {selector.metric for _, selector in READ} <= on_page | RECORDED | OF_PROMETHEUS.keys()


READ = sorted(
    {
        (rule.name, selector)
        for rule in ALL_RULES
        for expression in [rule.expression, *queries(rule.annotations)]
        for selector in selectors(expression)
    },
    key=repr,
)


@pytest.mark.parametrize("series", MARKET)
def test_what_scenarios_add_to_the_page_is_served(series: str) -> None:
    name, _, labels = series.partition("{")
    pairs = re.findall(r'(\w+)="([^"]+)"', labels)

    assert SERVED[name].keys() == {label for label, _ in pairs} | (
        SERVED[name].keys() & {"account"}
    )
    assert {value for label, value in pairs if label in {"unit", "endpoint", "reason"}} <= {
        value for values in SERVED[name].values() for value in values
    }


def test_metrics_are_served_or_recorded() -> None:
    known = SERVED.keys() | RECORDED | OF_PROMETHEUS.keys()

    assert [(rule, each.metric) for rule, each in READ if each.metric not in known] == []


def test_labels_of_served_metrics_are_on_the_page() -> None:
    unknown = [
        (rule, selector.metric, label)
        for rule, selector in READ
        if selector.metric in SERVED
        for label, _, _ in selector.matchers
        if label not in SERVED[selector.metric].keys() | TARGET | HIDDEN
    ]

    assert unknown == []


def test_values_asked_for_are_on_the_page() -> None:
    unknown = [
        (rule, selector.metric, label, value)
        for rule, selector in READ
        if selector.metric in SERVED
        for label, operator, values in selector.matchers
        if label not in {*TARGET, *HIDDEN, "account"} and operator in {"=", "=~"}
        for value in values.split("|")
        # "any" stands for a label of the alert.
        if value not in {"any", *SERVED[selector.metric].get(label, ())}
    ]

    assert unknown == []


def test_labels_that_rules_group_by_exist() -> None:
    on_page = {label for labels in SERVED.values() for label in labels}
    known = on_page | TARGET | MADE | HIDDEN | {"rule_group", "integration"}
    unknown = {
        rule.name: found for rule in ALL_RULES if (found := listed_labels(rule.expression) - known)
    }

    assert unknown == {}


def test_texts_name_labels_that_the_alert_has() -> None:
    unknown = {
        rule.name: found
        for rule in ALERTS.values()
        if (
            found := set(re.findall(r"\$labels\.(\w+)", " ".join(rule.annotations.values())))
            - listed_labels(rule.expression)
            # One alert is a series as it is, and keeps the labels of its target.
            - (TARGET if rule.expression.startswith("up{") else set())
        )
    }

    assert unknown == {}


def test_template_names_labels_and_annotations_that_alerts_have() -> None:
    text = TEMPLATE.read_text()
    labels = {label for rule in ALERTS.values() for label in listed_labels(rule.expression)}

    assert set(re.findall(r"Labels\.(\w+)", text)) <= labels | {"alertname", "severity"}
    assert set(re.findall(r"Annotations\.(\w+)", text)) <= {
        "dashboard_url",
        *(name for rule in ALERTS.values() for name in rule.annotations),
    }


def test_every_recording_rule_is_read_by_another_rule_or_told() -> None:
    read = {selector.metric for rule, selector in READ if rule != selector.metric}
    table = (PROMETHEUS / "README.md").read_text().partition("## Recording rules")[2]

    assert read | set(re.findall(r"`([\w:]+)[`{]", table)) >= RECORDED


def test_recording_rules_are_named_level_metric_operation() -> None:
    form = r"account(?:_\w+)?:bitopro_margin_\w+:\w+|bitopro_margin:\w+"

    assert [name for name in sorted(RECORDED) if not re.fullmatch(form, name)] == []


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("a_metric > 1", ["a_metric"]),
        ('sum by (x) (rate(a{b="c and d"}[5m] offset 1d))', ["a"]),
        ('label_replace(a != 1, "field", "b", "", "") or on (z) c:d:e * Inf', ["a", "c:d:e"]),
        ("1e9 < vector(1) unless ignoring (y) (misspelt_name)", ["misspelt_name"]),
    ],
)
def test_metrics_of_an_expression_are_found(expression: str, metrics: list[str]) -> None:
    assert [selector.metric for selector in selectors(expression)] == metrics
