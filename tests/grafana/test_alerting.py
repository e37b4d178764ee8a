"""Grafana's own alert rules are those of Prometheus, and fail closed."""

import re
from typing import Any

import pytest
import yaml

from grafana.alerting import DATA_SOURCE_UID, in_grafana
from grafana.generate import ROOT
from tests.alerts.deployment import ALERTS, RULE_FILES, Document, Rule, document

PROVISIONING = ROOT / "provisioning"
RULES = [
    rule
    for group in document(PROVISIONING / "alerting" / "rules.yml")["groups"]
    for rule in group["rules"]
]
OF_PROMETHEUS = {
    rule["alert"]: rule
    for path in RULE_FILES
    for group in document(path)["groups"]
    for rule in group["rules"]
    if "alert" in rule
}

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["title"])


def query(rule: Document, ref_id: str) -> Document:
    """Give one of the queries of a rule of Grafana."""
    (found,) = (each["model"] for each in rule["data"] if each["refId"] == ref_id)
    model: Document = found
    return model


def test_every_alert_of_prometheus_is_there_in_order() -> None:
    assert [rule["title"] for rule in RULES] == list(OF_PROMETHEUS)


@each_rule
def test_rule_asks_waits_and_is_labelled_as_in_prometheus(rule: Document) -> None:
    theirs = OF_PROMETHEUS[rule["title"]]

    assert query(rule, "A")["expr"] == theirs["expr"]
    assert rule["for"] == theirs.get("for", "0s")
    assert rule["keepFiringFor"] == theirs.get("keep_firing_for", "0s")
    assert rule["labels"] == theirs["labels"]


@each_rule
def test_rule_fires_for_every_series_whatever_its_value(rule: Document) -> None:
    assert rule["condition"] == "C"
    assert query(rule, "A")["instant"] is True
    assert query(rule, "B")["expression"] == "A"
    assert query(rule, "C")["expression"] == "is_number($B) || is_nan($B) || is_inf($B)"


@each_rule
def test_trouble_with_prometheus_is_no_all_clear(rule: Document) -> None:
    expected = {"critical": "Alerting", "warning": "Error", "info": "Error", "none": "OK"}

    assert rule["execErrState"] == expected[rule["labels"]["severity"]]


def test_heartbeat_stops_when_prometheus_cannot_be_asked_or_gives_nothing() -> None:
    (watchdog,) = (rule for rule in RULES if rule["title"] == "BitoproMarginWatchdog")

    assert (watchdog["execErrState"], watchdog["noDataState"]) == ("OK", "OK")


@each_rule
def test_nothing_is_what_an_expression_gives_while_all_is_well(rule: Document) -> None:
    assert rule["noDataState"] == "OK"


@each_rule
def test_texts_ask_prometheus_nothing_for_grafana_cannot(rule: Document) -> None:
    text = " ".join(rule["annotations"].values())

    assert "query" not in text
    assert re.findall(r"\$(\w+)", text) == [
        name for name in re.findall(r"\$(\w+)", text) if name in {"labels", "values"}
    ]


@each_rule
def test_description_says_what_to_do(rule: Document) -> None:
    assert " What to do: " in rule["annotations"]["description"]
    assert re.search(r"[*`\n]|\]\(", rule["annotations"]["description"]) is None


@each_rule
def test_links_are_those_of_prometheus(rule: Document) -> None:
    theirs: Rule = ALERTS[rule["title"]]

    links = ("runbook_url", "dashboard_url")
    assert [rule["annotations"][link] for link in links] == [
        theirs.annotations[link] for link in links
    ]


def test_uids_are_unique_and_short_enough() -> None:
    uids = [rule["uid"] for rule in RULES]

    assert len(set(uids)) == len(uids)
    assert [uid for uid in uids if not re.fullmatch(r"[a-z-]{1,40}", uid)] == []


def test_rules_ask_the_data_source_that_is_provisioned() -> None:
    sources: list[Any] = document(PROVISIONING / "datasources" / "bitopro-margin.yml")[
        "datasources"
    ]

    assert (sources[0]["uid"], sources[0]["type"]) == (DATA_SOURCE_UID, "prometheus")
    assert sources[0]["jsonData"]["timeInterval"] == "15s"


def test_dashboards_are_provisioned_as_they_are() -> None:
    (provider,) = document(PROVISIONING / "dashboards" / "bitopro-margin.yml")["providers"]

    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)


def test_policies_name_contact_points_and_times_that_are_there() -> None:
    example = document(PROVISIONING / "alerting" / "contact-points.yml")
    (policy,) = example["policies"]
    points = {point["name"] for point in example["contactPoints"]}
    times = {time["name"] for time in example["muteTimes"]}

    assert {policy["receiver"], *(route["receiver"] for route in policy["routes"])} == points
    muted = [name for route in policy["routes"] for name in route.get("mute_time_intervals", [])]
    assert set(muted) == times


def test_a_value_is_that_of_the_reduced_query() -> None:
    told = in_grafana('{{ $labels.account }} at {{ printf "%.1f" $value }}')

    assert told == '{{ $labels.account }} at {{ printf "%.1f" $values.B.Value }}'


def test_a_text_that_asks_prometheus_is_refused() -> None:
    with pytest.raises(ValueError, match="have no query"):
        in_grafana('{{ with printf "up" | query }}up{{ end }}')


def test_rules_are_yaml_that_any_reader_reads_alike() -> None:
    text = (PROVISIONING / "alerting" / "rules.yml").read_text()

    assert yaml.safe_load(text)["apiVersion"] == 1
