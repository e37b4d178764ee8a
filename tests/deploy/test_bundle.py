"""Rules and dashboards have one source; what carries them elsewhere carries exactly them."""

import json
import re

import pytest
import yaml

from generate.bundle import (
    CHART,
    CHART_DASHBOARD_URL,
    COMPOSE,
    DASHBOARDS,
    EXPECTED_ACCOUNTS,
    KUBERNETES,
    RULES,
)
from tests.alerts.deployment import PROMETHEUS_CONFIG, document

RULE_FILES = sorted(RULES.glob("*.yml"))
DASHBOARD_FILES = sorted(DASHBOARDS.glob("*.json"))


def test_chart_carries_each_rule_file_and_dashboard() -> None:
    files = CHART / "files"
    copies = {
        str(path.relative_to(files)): re.sub(
            rf"\n *dashboard_url: {CHART_DASHBOARD_URL}/d/.*", "", path.read_text()
        )
        for path in files.rglob("*")
        if path.is_file()
    }

    assert copies == {
        **{f"rules/{path.relative_to(RULES)}": path.read_text() for path in RULES.rglob("*.yml")},
        **{f"dashboards/{path.name}": path.read_text() for path in DASHBOARD_FILES},
    }


@pytest.mark.parametrize(("name", "folder"), [("rules.yaml", "."), ("rules.zh-TW.yaml", "zh-TW")])
def test_manifests_carry_exactly_the_rules(name: str, folder: str) -> None:
    manifests = list(yaml.safe_load_all((KUBERNETES / name).read_text()))
    generated = sorted((RULES / folder).glob("bitopro-margin*.yml"))

    assert [each["spec"] for each in manifests] == [
        document(path) for path in [*generated, EXPECTED_ACCOUNTS]
    ]
    assert {(each["apiVersion"], each["kind"]) for each in manifests} == {
        ("monitoring.coreos.com/v1", "PrometheusRule")
    }


def test_manifests_carry_exactly_the_dashboards() -> None:
    manifests = [
        each for each in yaml.safe_load_all((KUBERNETES / "dashboards.yaml").read_text()) if each
    ]

    assert [
        (name, json.loads(text)) for each in manifests for name, text in each["data"].items()
    ] == [(path.name, json.loads(path.read_text())) for path in DASHBOARD_FILES]
    assert [each["metadata"]["labels"]["grafana_dashboard"] for each in manifests] == ["1"] * len(
        DASHBOARD_FILES
    )


def test_made_names_are_names_of_kubernetes() -> None:
    names = [
        each["metadata"]["name"]
        for file in ("rules.yaml", "dashboards.yaml")
        for each in yaml.safe_load_all((KUBERNETES / file).read_text())
        if each
    ]

    assert [
        name for name in names if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])", name)
    ] == []
    assert len(names) == len(set(names)) == len(RULE_FILES) + len(DASHBOARD_FILES)


def test_grafana_of_compose_asks_the_hosts_there() -> None:
    urls = {
        source["type"]: source["url"]
        for path in (COMPOSE / "datasources").iterdir()
        for source in document(path)["datasources"]
    }

    assert urls == {
        "prometheus": "http://prometheus:9090",
        "alertmanager": "http://alertmanager:9093",
    }


def test_prometheus_of_compose_differs_by_hosts_alone() -> None:
    made = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    targets = [
        target
        for job in made["scrape_configs"]
        for group in job.get("static_configs", [])
        for target in group["targets"]
    ]

    assert targets == ["exporter:10061", "127.0.0.1:9090", "alertmanager:9093"]
    source = json.dumps(document(PROMETHEUS_CONFIG))
    assert json.loads(
        source.replace("127.0.0.1:10061", "exporter:10061").replace(
            "127.0.0.1:9093", "alertmanager:9093"
        )
    ) == (made)
