"""The chart, rendered by Helm's own engine."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.alerts import rules_files
from deploy.alerts.record import Links
from exporter.cli.parser import parse_arguments
from exporter.config.yaml_file import read_config_file
from generate.bundle import DASHBOARDS, EXPECTED_ACCOUNTS, KUBERNETES, RULES
from tests.alerts.deployment import document
from tests.charts.tools import findings, is_hook, manifests, refusal, rendered, run
from tests.deploy.policy import Manifest, mounted, opened, pod_violations

ACCOUNT = {
    "name": "main",
    "api_key_file": "secrets/main-key",
    "api_secret_file": "secrets/main-secret",
    "email_file": "secrets/main-email",
}
SECOND = {**ACCOUNT, "name": "second", "api_key_file": "secrets/second-key"}
LEAST: dict[str, Any] = {"existingSecret": "keys", "config": {"accounts": [ACCOUNT]}}
EVERYTHING: dict[str, Any] = {
    "existingSecret": "keys",
    "config": {"poll_interval": "30s", "hide_account_id": True, "accounts": [ACCOUNT, SECOND]},
    "shards": 2,
    "image": {"repository": "images.example.com/margin", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "web": {"existingSecret": "web", "scheme": "HTTPS"},
    "extraArgs": ["--log.format=json"],
    "serviceMonitor": {"labels": {"release": "x"}, "endpoint": {"tlsConfig": {"serverName": "x"}}},
    "prometheusRule": {"labels": {"release": "x"}, "fixedAccounts": True},
    "dashboards": {"annotations": {"grafana_folder": "Margin"}},
    "podLabels": {"team": "finance"},
    "podAnnotations": {"note": "x"},
    "priorityClassName": "high",
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "fullnameOverride": "margin-of-finance",
}
BOTH = {"least": LEAST, "everything": EVERYTHING}

both = pytest.mark.parametrize("values", BOTH.values(), ids=list(BOTH))


def of_kind(kind: str, values: dict[str, Any]) -> list[Manifest]:
    """Return the objects of a kind that are there at all times."""
    return [
        each for each in manifests(rendered(values)) if each["kind"] == kind and not is_hook(each)
    ]


def one(kind: str, values: dict[str, Any]) -> Manifest:
    (found,) = of_kind(kind, values)
    return found


def rules(values: dict[str, Any]) -> list[Manifest]:
    """Return every rule, of all files and groups."""
    return [
        rule
        for each in of_kind("PrometheusRule", values)
        for group in each["spec"]["groups"]
        for rule in group["rules"]
    ]


def exporter(values: dict[str, Any]) -> Manifest:
    container: Manifest = one("StatefulSet", values)["spec"]["template"]["spec"]["containers"][0]
    return container


@both
def test_helm_finds_nothing(values: dict[str, Any]) -> None:
    assert findings(values) == []


@both
@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_kubernetes_accepts_every_object(
    values: dict[str, Any], version: str, tmp_path: Path
) -> None:
    path = tmp_path / "all.yaml"
    # Those of the operator have no schema there; theirs are the rules' and scrapes' own tests.
    ours = [each for each in manifests(rendered(values)) if "coreos" not in each["apiVersion"]]
    path.write_text(yaml.safe_dump_all(ours))

    check = run("kubernetes-validate", "--strict", "-k", version, path)

    assert (check.returncode, check.stderr) == (0, "")
    assert check.stdout.count(" passed for resource ") == len(ours)


@both
def test_pods_are_restricted(values: dict[str, Any]) -> None:
    assert pod_violations(one("StatefulSet", values)) == []


@both
def test_prometheus_alone_comes_in_and_names_and_the_exchange_alone_are_asked(
    values: dict[str, Any],
) -> None:
    policy = one("NetworkPolicy", values)

    assert opened(policy, "ingress", "from") == [(["namespaceSelector+podSelector"], {"metrics"})]
    assert opened(policy, "egress", "to") == [
        (["namespaceSelector+podSelector"], {53}),
        (["ipBlock", "ipBlock"], {443}),
    ]


@both
def test_everything_selects_the_pods(values: dict[str, Any]) -> None:
    pods = one("StatefulSet", values)["spec"]["template"]["metadata"]["labels"]
    service = one("Service", values)
    selectors = [
        one("StatefulSet", values)["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        one("NetworkPolicy", values)["spec"]["podSelector"]["matchLabels"],
        one("PodDisruptionBudget", values)["spec"]["selector"]["matchLabels"],
        one("ServiceMonitor", values)["spec"]["selector"]["matchLabels"],
    ]

    assert [each for each in selectors if not each.items() <= pods.items()] == []
    assert selectors[-1].items() <= service["metadata"]["labels"].items()


@both
def test_exporter_accepts_its_configuration_where_it_is_mounted(
    values: dict[str, Any], tmp_path: Path
) -> None:
    volumes = one("StatefulSet", values)["spec"]["template"]["spec"]["volumes"]
    secret = volumes[0]["projected"]["sources"][1]["secret"]
    config = one("ConfigMap", {**values, "dashboards": {"enabled": False}})
    path = mounted(tmp_path, config["data"]["config.yml"], secret["items"])

    accounts = read_config_file(path).accounts

    assert secret["name"] == "keys"
    assert [each.name for each in accounts] == [
        each["name"] for each in values["config"]["accounts"]
    ]
    assert {each.credentials.read().email for each in accounts} == {"me@example.com"}


def test_exporter_understands_its_arguments() -> None:
    options = parse_arguments(exporter(LEAST)["args"])

    assert options.listen_addresses == [":10061"]
    assert options.config_file == Path("/etc/bitopro/config.yml")


def test_shards_are_pods_that_know_their_number_by_their_name() -> None:
    assert one("StatefulSet", EVERYTHING)["spec"]["replicas"] == 2
    assert exporter(EVERYTHING)["args"][4:] == [
        "--total-shards=2",
        "--shard-from-hostname",
        "--log.format=json",
    ]


def test_protected_port_is_probed_and_scraped_over_tls() -> None:
    container = exporter(EVERYTHING)
    (endpoint,) = one("ServiceMonitor", EVERYTHING)["spec"]["endpoints"]

    assert "--web.config.file=/etc/bitopro-web/web.yml" in container["args"]
    assert container["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert endpoint["scheme"] == "https"
    assert endpoint["honorLabels"] is True
    assert endpoint["tlsConfig"] == {"serverName": "x"}


def test_port_that_demands_certificates_is_probed_without_one() -> None:
    container = exporter(
        {**EVERYTHING, "web": {**EVERYTHING["web"], "demandsClientCertificates": True}}
    )
    probes = [container["livenessProbe"], container["startupProbe"]]

    assert [each["tcpSocket"] for each in probes] == [{"port": "metrics"}] * 2
    assert [each for each in probes if "httpGet" in each] == []


def test_page_of_many_accounts_can_be_let_through() -> None:
    values = {**LEAST, "serviceMonitor": {"sampleLimit": 1_200_000}}

    assert one("ServiceMonitor", LEAST)["spec"]["sampleLimit"] == 50_000
    assert one("ServiceMonitor", values)["spec"]["sampleLimit"] == 1_200_000


def test_digest_is_above_the_tag() -> None:
    assert exporter(EVERYTHING)["image"] == "images.example.com/margin@sha256:" + "0" * 64


def test_another_configuration_is_another_pod() -> None:
    templates = [
        one("StatefulSet", {**LEAST, "config": {"accounts": [account]}})["spec"]["template"]
        for account in (ACCOUNT, SECOND)
    ]

    assert templates[0]["metadata"] != templates[1]["metadata"]


def test_alertmanager_is_scraped_where_it_is_asked_for() -> None:
    asked = {"enabled": True, "labels": {"release": "x"}, "namespace": "mon"}
    (monitor,) = (
        each
        for each in of_kind("ServiceMonitor", {**LEAST, "alertmanagerMonitor": asked})
        if each["metadata"]["name"].endswith("-alertmanager")
    )
    assert len(of_kind("ServiceMonitor", LEAST)) == 1
    assert monitor["metadata"]["labels"]["release"] == "x"
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["mon"]}
    assert monitor["spec"]["selector"] == {"matchLabels": {"operated-alertmanager": "true"}}


@pytest.mark.parametrize(("language", "folder"), [("en", "."), ("zh-TW", "zh-TW")])
def test_rules_are_exactly_those_of_prometheus(language: str, folder: str) -> None:
    values = {
        **LEAST,
        "prometheusRule": {"language": language},
        "networkPolicy": {"enabled": False},
    }

    assert [each["spec"] for each in of_kind("PrometheusRule", values)] == [
        *(document(path) for path in sorted((RULES / folder).glob("bitopro-margin*.yml"))),
        document(EXPECTED_ACCOUNTS),
    ]


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_policy_stands_in_for_the_alert_on_an_open_port(language: str) -> None:
    rule = {"prometheusRule": {"language": language}}
    closed = rules({**LEAST, **rule})
    opened = rules({**LEAST, **rule, "networkPolicy": {"enabled": False}})

    assert [each for each in opened if each not in closed] == [
        each for each in opened if each.get("alert") == "BitoproMarginExposedWithoutAuth"
    ]
    assert len(closed) == len(opened) - 1


def test_rules_know_the_job_and_links_of_the_values() -> None:
    links = Links("https://wiki.example.com/margin", "https://grafana.example.com", "margin-2")
    urls = {"runbookUrl": links.runbook_url, "dashboardUrl": f"{links.dashboard_url}/"}
    values = {
        **LEAST,
        "job": links.job,
        "prometheusRule": urls,
        "networkPolicy": {"enabled": False},
    }

    monitor = one("ServiceMonitor", values)["spec"]["endpoints"][0]
    assert monitor["relabelings"][0] == {"targetLabel": "job", "replacement": "margin-2"}
    assert [each["spec"] for each in of_kind("PrometheusRule", values)][:2] == [
        yaml.safe_load(text) for text in rules_files(links, "en").values()
    ]


def test_fixed_accounts_replace_the_list_that_learns(promtool: str, tmp_path: Path) -> None:
    (spec,) = (
        each["spec"]
        for each in of_kind("PrometheusRule", EVERYTHING)
        if each["metadata"]["name"].endswith("expected-accounts")
    )
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(spec))

    check = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", path], check=False
    )

    assert check.returncode == 0
    assert [rule["labels"]["account"] for rule in spec["groups"][0]["rules"]] == ["main", "second"]


def test_dashboards_are_exactly_those_of_grafana() -> None:
    maps = [
        each
        for each in of_kind("ConfigMap", EVERYTHING)
        if "grafana_dashboard" in each["metadata"]["labels"]
    ]

    assert {name: json.loads(text) for each in maps for name, text in each["data"].items()} == {
        path.name: json.loads(path.read_text()) for path in DASHBOARDS.glob("*.json")
    }
    assert [each["metadata"]["labels"]["grafana_dashboard"] for each in maps] == ["1"] * len(maps)


def test_chart_and_manifests_are_of_the_same_kinds() -> None:
    plain = {
        each["kind"]
        for path in KUBERNETES.glob("*.yaml")
        for each in yaml.safe_load_all(path.read_text())
        if each
    }

    made = {each["kind"] for each in manifests(rendered(LEAST)) if not is_hook(each)}
    assert made == plain - {"Namespace", "Kustomization"}


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("serviceMonitor", "ServiceMonitor"),
        ("prometheusRule", "PrometheusRule"),
        ("networkPolicy", "NetworkPolicy"),
        ("podDisruptionBudget", "PodDisruptionBudget"),
    ],
)
def test_what_is_switched_off_is_not_made(switch: str, kind: str) -> None:
    assert of_kind(kind, {**LEAST, switch: {"enabled": False}}) == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "/existingSecret"),
        ({**LEAST, "existingSecret": ""}, "/existingSecret"),
        ({**LEAST, "config": {"accounts": []}}, "/config/accounts"),
        ({**LEAST, "shards": 0}, "/shards"),
        ({**LEAST, "config": {**LEAST["config"], "pol_interval": "15s"}}, "pol_interval"),
        ({**LEAST, "replicas": 2}, "replicas"),
        ({**LEAST, "config": {"accounts": [{**ACCOUNT, "api_secret": "hush"}]}}, "api_secret"),
        ({**LEAST, "config": {"accounts": [{**ACCOUNT, "api_key_file": "hush"}]}}, "api_key_file"),
        ({**LEAST, "config": {"accounts": [{**ACCOUNT, "base_url": "http://x"}]}}, "base_url"),
        ({**LEAST, "config": {"accounts": [{**ACCOUNT, "name": "a b"}]}}, "/name"),
        ({**LEAST, "config": {"accounts": [{**ACCOUNT, "email": "a@b"}]}}, "oneOf"),
        ({**LEAST, "image": {"digest": "latest"}}, "/image/digest"),
        ({**LEAST, "extraArgs": ["hush"]}, "/extraArgs/0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_schema_refuses(values: dict[str, Any], why: str) -> None:
    assert why in refusal(values)


def test_notes_say_how_to_see_that_it_works() -> None:
    notes = rendered(LEAST)["NOTES.txt"]

    assert notes.startswith("1 exporter for 1 account.\n")
    assert "port-forward statefulset/margin-bitopro-margin-exporter 10061" in notes
    assert rendered(EVERYTHING)["NOTES.txt"].startswith("2 exporters for 2 accounts.\n")
