"""Every alert has what a person needs who is woken by it."""

import re

from tests.alerts.deployment import ALERTS, RISK_RULES, RULES, RUNBOOK, document
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


def test_alerts_have_a_common_name_a_routed_severity_and_their_annotations() -> None:
    annotations = {"summary", "description", "summary_zh", "description_zh"}
    wrong = [
        rule.name
        for rule in ALERTS.values()
        if not rule.name.startswith("BitoproMargin")
        or rule.labels.keys() != {"severity"}
        or rule.labels["severity"] not in {"critical", "warning", "info", "none"}
        or rule.annotations.keys() != annotations | {"runbook_url", "dashboard_url"}
    ]

    assert wrong == []


def test_alerts_link_to_their_runbook_entry_and_to_a_dashboard() -> None:
    page = "(?:bitopro-margin-account|bitopro-exporter-health)"
    url = rf"{GRAFANA}/d/{page}(?:\?var-\w+=\{{\{{ .* \}}\}})?"
    wrong = [
        rule.name
        for rule in ALERTS.values()
        if rule.annotations["runbook_url"] != f"{REPOSITORY}/docs/runbook.md#{rule.name.lower()}"
        or not re.fullmatch(url, rule.annotations["dashboard_url"])
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
        after, keeps = (rule.get(key, "").removesuffix("m") for key in ("for", "keep_firing_for"))
        entry = ENTRIES[name]
        if after and not re.search(
            rf"^.*(?:after|and) {after} (?:minute|more)", entry, re.MULTILINE
        ):
            wrong.append((name, f"after {after} minutes"))
        if keeps and f"keeps firing for {keeps} minute" not in entry and "for the day" not in entry:
            wrong.append((name, f"keeps firing for {keeps} minutes"))

    assert wrong == []


def test_runbook_has_no_entry_of_an_alert_that_does_not_exist() -> None:
    assert set(ENTRIES) == set(ALERTS)


def test_alerts_that_are_told_of_an_account_tell_when_it_is_a_drill() -> None:
    drill = '{{ if eq $labels.account "drill" }}DRILL, no real account: {{ end }}'
    drill_zh = '{{ if eq $labels.account "drill" }}演練，非真實帳戶：{{ end }}'
    wrong = [
        rule.name
        for rule in ALERTS.values()
        if "account" in listed_labels(rule.expression)
        and rule.labels["severity"] != "none"
        and not (
            rule.annotations["summary"].startswith(drill)
            and rule.annotations["summary_zh"].startswith(drill_zh)
        )
    ]

    assert wrong == []
