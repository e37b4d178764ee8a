"""What the dashboards have in common with each other, and with all good ones."""

import re
from pathlib import Path

import pytest

from tests.grafana.shipped import DASHBOARDS, VARIABLES, Document, dashboard

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
each_variable = pytest.mark.parametrize(
    "variable",
    [variable for _, variable in VARIABLES if variable["type"] == "query"],
    ids=[f"{name}: {each['name']}" for name, each in VARIABLES if each["type"] == "query"],
)


@each_dashboard
def test_dashboard_is_of_the_classic_model(path: Path) -> None:
    document = dashboard(path)

    assert document["schemaVersion"] == 39
    assert {"apiVersion", "kind", "spec", "__inputs", "__requires", "id"}.isdisjoint(document)


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("margin-account", "bitopro-margin-account"),
        ("exporter-health", "bitopro-exporter-health"),
    ],
)
def test_dashboard_has_the_uid_that_alerts_link_to(name: str, uid: str) -> None:
    (path,) = (each for each in DASHBOARDS if each.stem == name)

    assert dashboard(path)["uid"] == uid


@each_dashboard
def test_dashboard_cannot_be_edited_has_tags_and_shares_its_crosshair(path: Path) -> None:
    document = dashboard(path)

    assert document["editable"] is False
    assert document["graphTooltip"] == 1
    assert document["tags"] == ["bitopro", "margin"]


@each_dashboard
def test_variables_are_the_agreed_ones_in_order(path: Path) -> None:
    variables = dashboard(path)["templating"]["list"]

    assert [(each["name"], each["label"]) for each in variables] == [
        ("datasource", "Data source"),
        ("job", "Job"),
        ("instance", "Instance"),
        ("account", "Account"),
        ("currency", "Currency"),
    ]
    assert (variables[0]["type"], variables[0]["query"]) == ("datasource", "prometheus")


@each_variable
def test_variable_is_a_query_of_many_values_that_is_read_anew(variable: Document) -> None:
    expected = {
        "datasource": DATA_SOURCE,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "refresh": 2,
    }

    assert expected.items() <= variable.items()
    assert variable["query"]["query"] == variable["definition"]


@each_dashboard
def test_each_variable_depends_on_those_before(path: Path) -> None:
    queries = [each["definition"] for each in dashboard(path)["templating"]["list"][1:]]

    assert [re.findall(r"\$(\w+)", query) for query in queries] == [
        [],
        ["job"],
        ["job", "instance"],
        ["job", "instance", "account"],
    ]


@each_dashboard
def test_dashboard_links_to_the_other_to_the_runbook_and_to_alertmanager(path: Path) -> None:
    links = {link["title"]: link for link in dashboard(path)["links"]}
    (to_other,) = (link for link in links.values() if link["url"].startswith("/d/bitopro-"))

    assert (to_other["keepTime"], to_other["includeVars"]) == (True, True)
    assert to_other["url"] != f"/d/{dashboard(path)['uid']}"
    assert links["Runbook"]["url"].endswith("/docs/runbook.md")
    assert links["Alertmanager"]["url"] == "http://127.0.0.1:9093/#/alerts"
