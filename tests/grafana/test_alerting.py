"""Grafana's own alert rules are those of Prometheus, and fail closed."""

import re
from typing import Any

import pytest
import yaml

from grafana.alerting import DATA_SOURCE_UID, in_grafana
from grafana.generate import ROOT
from tests.alerts.deployment import RULE_FILES, Document, document

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


def query(rule: Document, ref_id: str) -> Document:
    """Return one of the queries of a rule of Grafana."""
    (found,) = (each["model"] for each in rule["data"] if each["refId"] == ref_id)
    model: Document = found
    return model


def test_every_alert_of_prometheus_is_there_in_order() -> None:
    assert [rule["title"] for rule in RULES] == list(OF_PROMETHEUS)


def test_rules_ask_wait_and_are_labelled_as_in_prometheus() -> None:
    ours = {
        rule["title"]: (
            query(rule, "A")["expr"],
            rule["for"],
            rule["keepFiringFor"],
            rule["labels"],
            rule["annotations"]["runbook_url"],
        )
        for rule in RULES
    }

    assert ours == {
        name: (
            rule["expr"],
            rule.get("for", "0s"),
            rule.get("keep_firing_for", "0s"),
            rule["labels"],
            rule["annotations"]["runbook_url"],
        )
        for name, rule in OF_PROMETHEUS.items()
    }


def test_rules_fire_for_every_series_whatever_its_value() -> None:
    wrong = [
        rule["title"]
        for rule in RULES
        if rule["condition"] != "C"
        or query(rule, "A")["instant"] is not True
        or query(rule, "B")["expression"] != "A"
        or query(rule, "C")["expression"] != "is_number($B) || is_nan($B) || is_inf($B)"
    ]

    assert wrong == []


def test_trouble_with_prometheus_is_no_all_clear_and_nothing_is_what_all_well_gives() -> None:
    expected = {"critical": "Alerting", "warning": "Error", "info": "Error", "none": "OK"}
    wrong = [
        rule["title"]
        for rule in RULES
        if rule["execErrState"] != expected[rule["labels"]["severity"]]
        or rule["noDataState"] != "OK"
    ]

    assert wrong == []


def test_heartbeat_stops_when_prometheus_cannot_be_asked_or_gives_nothing() -> None:
    (watchdog,) = (rule for rule in RULES if rule["title"] == "BitoproMarginWatchdog")

    assert (watchdog["execErrState"], watchdog["noDataState"]) == ("OK", "OK")


def test_texts_ask_prometheus_nothing_for_grafana_cannot() -> None:
    wrong = [
        rule["title"]
        for rule in RULES
        for text in [" ".join(rule["annotations"].values())]
        if "query" in text or not set(re.findall(r"\$(\w+)", text)) <= {"labels", "values"}
    ]

    assert wrong == []


def test_descriptions_say_what_to_do_in_plain_text() -> None:
    wrong = [
        rule["title"]
        for rule in RULES
        for text in [rule["annotations"]["description"]]
        if " What to do: " not in text or re.search(r"[*`\n]|\]\(", text)
    ]

    assert wrong == []


def test_uids_are_unique_and_short_enough() -> None:
    uids = [rule["uid"] for rule in RULES]

    assert len(set(uids)) == len(uids)
    assert [uid for uid in uids if not re.fullmatch(r"[a-z-]{1,40}", uid)] == []


def test_rules_ask_the_data_source_that_is_provisioned() -> None:
    sources: list[Any] = document(PROVISIONING / "datasources" / "bitopro-margin.yml")[
        "datasources"
    ]

    assert (sources[0]["uid"], sources[0]["type"]) == (DATA_SOURCE_UID, "prometheus")
    assert sources[0]["jsonData"]["timeInterval"] == "5s"


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
