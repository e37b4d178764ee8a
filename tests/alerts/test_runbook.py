"""Every alert has what a person needs who is woken by it."""

import re

import pytest

from tests.alerts.deployment import ALERTS, RISK_RULES, RULES, RUNBOOK, Rule, document
from tests.alerts.names import listed_labels

REPOSITORY = "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main"
GRAFANA = "http://127.0.0.1:3000"
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

each_alert = pytest.mark.parametrize("rule", ALERTS.values(), ids=lambda rule: rule.name)


@each_alert
def test_alert_has_the_common_beginning_of_its_name(rule: Rule) -> None:
    assert rule.name.startswith("BitoproMargin")


@each_alert
def test_alert_has_a_severity_that_is_routed(rule: Rule) -> None:
    assert rule.labels.keys() == {"severity"}
    assert rule.labels["severity"] in {"critical", "warning", "info", "none"}


@each_alert
def test_alert_has_its_annotations(rule: Rule) -> None:
    texts = {"summary", "description", "summary_zh", "description_zh"}

    assert rule.annotations.keys() == {*texts, "runbook_url", "dashboard_url"}


@each_alert
def test_alert_links_to_its_runbook_entry(rule: Rule) -> None:
    assert rule.annotations["runbook_url"] == f"{REPOSITORY}/docs/runbook.md#{rule.name.lower()}"


@each_alert
def test_alert_links_to_a_dashboard(rule: Rule) -> None:
    url = rule.annotations["dashboard_url"]

    page = "(?:bitopro-margin-account|bitopro-exporter-health)"
    assert re.fullmatch(rf"{GRAFANA}/d/{page}(?:\?var-\w+=\{{\{{ .* \}}\}})?", url)


@each_alert
def test_alert_has_an_entry_that_says_what_to_do(rule: Rule) -> None:
    points = re.findall(r"^- \*\*(.+?)\*\*: .", ENTRIES[rule.name], re.MULTILINE)

    assert points == ["Means", "First look", "Likely causes", "Do", "Ignore"]


@each_alert
def test_entry_begins_with_the_severity(rule: Rule) -> None:
    assert ENTRIES[rule.name].lstrip().startswith(rule.labels["severity"])


@pytest.mark.parametrize("name", [name for name, rule in TIMES.items() if "for" in rule])
def test_entry_tells_after_which_time_the_alert_fires(name: str) -> None:
    minutes = TIMES[name]["for"].removesuffix("m")

    assert re.search(rf"^.*(?:after|and) {minutes} (?:minute|more)", ENTRIES[name], re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in TIMES if "keep_firing_for" in TIMES[name]])
def test_entry_tells_how_long_the_alert_keeps_firing(name: str) -> None:
    minutes = TIMES[name]["keep_firing_for"].removesuffix("m")
    told = f"keeps firing for {minutes} minute"

    assert told in ENTRIES[name] or "for the day" in ENTRIES[name]


def test_runbook_has_no_entry_of_an_alert_that_does_not_exist() -> None:
    assert set(ENTRIES) == set(ALERTS)


@pytest.mark.parametrize(
    "rule",
    [rule for rule in ALERTS.values() if "account" in listed_labels(rule.expression)],
    ids=lambda rule: rule.name,
)
def test_alert_that_is_told_of_an_account_tells_when_it_is_a_drill(rule: Rule) -> None:
    drill = '{{ if eq $labels.account "drill" }}DRILL, no real account: {{ end }}'

    assert rule.labels["severity"] == "none" or rule.annotations["summary"].startswith(drill)
    drill_zh = '{{ if eq $labels.account "drill" }}演練，非真實帳戶：{{ end }}'

    assert rule.labels["severity"] == "none" or rule.annotations["summary_zh"].startswith(drill_zh)
