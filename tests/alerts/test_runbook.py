"""Every alert has what a person needs who is woken by it."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest

from deploy.alerts import alerts
from deploy.alerts.record import About, Links
from generate.bundle import DASHBOARDS
from tests.alerts.deployment import (
    ALERTS,
    CHINESE_ALERTS,
    RISK_RULES,
    RULES,
    RUNBOOK,
    Rule,
    document,
)
from tests.alerts.names import listed_labels

REPOSITORY = "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main"
ENTRIES = dict(
    re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(), re.DOTALL | re.MULTILINE)
)
TIMES = {
    rule["alert"]: rule
    for path in (RULES, RISK_RULES)
    for group in document(path)["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def test_alerts_have_a_common_name_a_routed_severity_and_their_annotations() -> None:
    wrong = [
        rule.name
        for rule in ALERTS.values()
        if not rule.name.startswith("BitoproMargin")
        or rule.labels.keys() != {"severity"}
        or rule.labels["severity"] not in {"critical", "warning", "info", "none"}
        or rule.annotations.keys() != {"summary", "description", "runbook_url"}
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("alerts", "page"), [(ALERTS, "runbook.md"), (CHINESE_ALERTS, "runbook.zh-TW.md")]
)
def test_alerts_link_to_their_runbook_entry(alerts: Mapping[str, Rule], page: str) -> None:
    assert {name: rule.annotations["runbook_url"] for name, rule in alerts.items()} == {
        name: f"{REPOSITORY}/docs/{page}#{name.lower()}" for name in alerts
    }


def test_languages_differ_in_annotations_only() -> None:
    bare = [
        {name: replace(rule, annotations={}) for name, rule in alerts.items()}
        for alerts in (ALERTS, CHINESE_ALERTS)
    ]

    assert bare[0] == bare[1]


def test_a_text_asks_prometheus_at_most_once_and_a_summary_never() -> None:
    wrong = [
        (rule.name, name)
        for rule in [*ALERTS.values(), *CHINESE_ALERTS.values()]
        for name, text in rule.annotations.items()
        if text.count("| query") > (name == "description")
    ]

    assert wrong == []


def test_entries_begin_with_the_severity_and_say_what_to_do() -> None:
    points = ["Means", "First look", "Likely causes", "Do", "Ignore"]
    wrong = [
        name
        for name, rule in ALERTS.items()
        if not ENTRIES[name].lstrip().startswith(rule.labels["severity"])
        or re.findall(r"^- \*\*(.+?)\*\*: .", ENTRIES[name], re.MULTILINE) != points
    ]

    assert wrong == []


def test_entries_tell_after_which_time_alerts_fire_and_how_long_they_keep_firing() -> None:
    wrong = []
    for name, rule in TIMES.items():
        after, keeps = rule.get("for", ""), rule.get("keep_firing_for", "").removesuffix("m")
        entry = ENTRIES[name]
        unit = "(?:minute|more)" if after.endswith("m") else "second"
        if after and not re.search(rf"^.*(?:after|and) {after[:-1]} {unit}", entry, re.MULTILINE):
            wrong.append((name, f"after {after}"))
        if keeps and f"keeps firing for {keeps} minute" not in entry and "for the day" not in entry:
            wrong.append((name, f"keeps firing for {keeps} minutes"))

    assert wrong == []


def test_runbook_has_no_entry_of_an_alert_that_does_not_exist() -> None:
    assert set(ENTRIES) == set(ALERTS)


@pytest.mark.parametrize(
    ("alerts", "drill"),
    [(ALERTS, "DRILL, no real account: "), (CHINESE_ALERTS, "演練，非真實帳戶：")],
)
def test_alerts_that_are_told_of_an_account_tell_when_it_is_a_drill(
    alerts: Mapping[str, Rule], drill: str
) -> None:
    beginning = f'{{{{ if eq $labels.account "drill" }}}}{drill}{{{{ end }}}}'
    wrong = [
        rule.name
        for rule in alerts.values()
        if "account" in listed_labels(rule.expression)
        and rule.labels["severity"] != "none"
        and not rule.annotations["summary"].startswith(beginning)
    ]

    assert wrong == []


def test_links_are_where_the_project_is_told_to_lead() -> None:
    links = Links("https://wiki/runbook", "https://grafana")
    critical = next(each for each in alerts() if each.name == "RatioCritical")
    down = next(each for each in alerts() if each.name == "ExporterDown")

    assert critical.annotations(links, "zh-TW")["runbook_url"] == (
        "https://wiki/runbook#bitopromarginratiocritical"
    )
    assert [each.annotations(links, "en")["dashboard_url"] for each in (critical, down)] == [
        "https://grafana/d/bitopro-margin-account?var-account={{ $labels.account }}",
        "https://grafana/d/bitopro-exporter-health?var-instance={{ $labels.instance }}",
    ]


def test_dashboards_that_alerts_lead_to_are_shipped() -> None:
    uids = {json.loads(path.read_text())["uid"] for path in DASHBOARDS.glob("*.json")}

    assert {about.value[0] for about in About} == uids
