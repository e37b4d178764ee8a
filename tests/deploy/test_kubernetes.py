"""The manifests and the chart, as far as text tells; tests/charts asks the real tools."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__
from exporter.cli.parser import parse_arguments
from exporter.config.yaml_file import MODELS, read_config_file
from generate.bundle import CHART, KUBERNETES
from generate.chart import values
from tests.alerts.deployment import PROMETHEUS_CONFIG, document
from tests.deploy.policy import Manifest, mounted, opened, pod_violations

FILES = sorted(path.name for path in KUBERNETES.glob("*.yaml"))
VALUES = document(CHART / "values.yaml")
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES = sorted(path for path in (CHART / "templates").rglob("*") if path.is_file())


def manifest(name: str) -> Manifest:
    return document(KUBERNETES / f"{name}.yaml")


def exporter() -> Manifest:
    container: Manifest = manifest("statefulset")["spec"]["template"]["spec"]["containers"][0]
    return container


def test_kustomization_takes_every_file_in_one_language() -> None:
    listed = manifest("kustomization")["resources"]

    assert sorted(listed) == sorted({*FILES} - {"kustomization.yaml", "rules.zh-TW.yaml"})


def test_pods_are_restricted() -> None:
    assert pod_violations(manifest("statefulset")) == []


@pytest.mark.parametrize(
    ("place", "key", "value", "violation"),
    [
        ("pod", "securityContext", {"runAsNonRoot": True}, "runs as somebody"),
        ("pod", "automountServiceAccountToken", True, "token"),
        ("pod", "enableServiceLinks", True, "variables BITOPRO_"),
        ("pod", "hostNetwork", True, "shares"),
        ("pod", "volumes", [{"name": "x", "hostPath": {"path": "/"}}], "volume"),
        ("container", "securityContext", {"privileged": True}, "not confined"),
        ("container", "resources", {"limits": {"cpu": 1}}, "all memory"),
        ("container", "volumeMounts", [{"readOnly": False}], "may write"),
        ("container", "env", [{"name": "BITOPRO_API_SECRET"}], "variables"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_less_than_that_is_noticed(place: str, key: str, value: object, violation: str) -> None:
    lax = manifest("statefulset")
    pod = lax["spec"]["template"]["spec"]
    {"pod": pod, "container": pod["containers"][0]}[place][key] = value

    assert [text for text in pod_violations(lax) if violation in text] != []


def test_namespace_enforces_it() -> None:
    labels = manifest("namespace")["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_service_account_has_no_token() -> None:
    assert manifest("serviceaccount")["automountServiceAccountToken"] is False


def test_everything_selects_the_pods() -> None:
    stateful = manifest("statefulset")["spec"]
    labels = stateful["template"]["metadata"]["labels"]
    selectors = [
        stateful["selector"]["matchLabels"],
        manifest("service")["spec"]["selector"],
        manifest("networkpolicy")["spec"]["podSelector"]["matchLabels"],
        manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"],
    ]

    assert [each for each in selectors if not each.items() <= labels.items()] == []
    assert manifest("service")["metadata"]["name"] == stateful["serviceName"]
    assert (
        manifest("servicemonitor")["spec"]["selector"]["matchLabels"].items()
        <= manifest("service")["metadata"]["labels"].items()
    )


def test_shard_is_gone_before_its_successor_comes() -> None:
    assert manifest("statefulset")["kind"] == "StatefulSet"


def test_exporter_understands_its_arguments() -> None:
    options = parse_arguments(exporter()["args"])

    assert options.listen_addresses == [":10061"]
    assert options.config_file == Path("/etc/bitopro/config.yml")
    assert {"name": "metrics", "containerPort": 10061} in exporter()["ports"]


def test_image_is_of_this_version() -> None:
    assert exporter()["image"] == f"bitopro-margin-exporter:{__version__}"
    assert document(CHART / "Chart.yaml")["appVersion"] == __version__


def test_exporter_accepts_its_configuration_where_it_is_mounted(tmp_path: Path) -> None:
    (volume,) = manifest("statefulset")["spec"]["template"]["spec"]["volumes"]
    config, secret = (next(iter(each.values())) for each in volume["projected"]["sources"])
    path = mounted(tmp_path, manifest("config")["data"]["config.yml"], secret["items"])

    (account,) = read_config_file(path).accounts

    assert config["name"] == manifest("config")["metadata"]["name"]
    assert account.name == "main"
    assert account.credentials.read().email == "me@example.com"


def test_probes_say_nothing_about_the_exchange() -> None:
    assert exporter()["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
    assert exporter()["startupProbe"]["httpGet"]["path"] == "/-/healthy"
    assert exporter()["readinessProbe"]["httpGet"]["path"] == "/-/ready"


def test_prometheus_alone_comes_in() -> None:
    assert opened(manifest("networkpolicy"), "ingress", "from") == [
        (["namespaceSelector+podSelector"], {"metrics"})
    ]


def test_names_and_the_exchange_alone_are_asked() -> None:
    policy = manifest("networkpolicy")

    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert opened(policy, "egress", "to") == [
        (["namespaceSelector+podSelector"], {53}),
        (["ipBlock", "ipBlock"], {443}),
    ]


def test_scrapes_are_those_of_the_shipped_prometheus() -> None:
    config = document(PROMETHEUS_CONFIG)
    job = next(each for each in config["scrape_configs"] if each["job_name"] == "bitopro-margin")
    monitor = manifest("servicemonitor")["spec"]
    (endpoint,) = monitor["endpoints"]

    assert monitor["sampleLimit"] == job["sample_limit"]
    assert monitor["bodySizeLimit"] == job["body_size_limit"]
    assert (endpoint["honorLabels"], job["honor_labels"]) == (True, True)
    assert endpoint["interval"] == config["global"]["scrape_interval"]
    assert endpoint["scrapeTimeout"] == config["global"]["scrape_timeout"]
    assert {"targetLabel": "job", "replacement": "bitopro-margin"} in endpoint["relabelings"]


def test_chart_needs_a_secret_and_accounts_and_nothing_else() -> None:
    assert VALUES["existingSecret"] == ""
    assert VALUES["config"]["accounts"] == []
    assert SCHEMA["properties"]["existingSecret"]["minLength"] == 1
    assert SCHEMA["then"]["properties"]["config"]["properties"]["accounts"]["minItems"] == 1


def test_schema_knows_every_value_and_no_other() -> None:
    assert SCHEMA["additionalProperties"] is False
    # An umbrella chart's own: what it shares, and its condition.
    assert SCHEMA["properties"].keys() - {"global", "enabled"} == VALUES.keys()


def test_readme_says_what_each_value_means() -> None:
    rows = values()
    expanded = {
        f"{key}.{part}" if part else key
        for key, default in VALUES.items()
        for part in (default if "properties" in SCHEMA["properties"][key] else [""])
    }

    assert {name.strip("`") for name, _, _ in rows} == expanded | {"config"}
    assert [name for name, _, meaning in rows if not meaning] == []


def test_readme_shows_defaults_as_they_are_written() -> None:
    defaults = {name.strip("`"): default.strip("`") for name, default, _ in values()}

    assert {
        name: yaml.safe_load(defaults[name]) for name in ("shards", "job", "livenessProbe")
    } == {name: VALUES[name] for name in ("shards", "job", "livenessProbe")}
    assert defaults["alertmanagerMonitor.matchLabels"] == '{operated-alertmanager: "true"}'
    assert defaults["image.tag"] == '""'
    assert defaults["networkPolicy.exchange"] == "see values.yaml"


def test_schema_knows_the_accounts_of_the_exporter() -> None:
    account = SCHEMA["definitions"]["account"]["properties"]
    of_places = {
        "": SCHEMA["properties"]["config"]["properties"].keys(),
        "accounts[].": account.keys(),
        "accounts[].thresholds.": account["thresholds"]["properties"].keys(),
    }

    assert of_places == {
        place: {field.alias or name for name, field in model.model_fields.items()}
        for place, model in MODELS.items()
    }


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_takes_a_value_for_a_template(path: Path) -> None:
    # What Prometheus writes in braces must not be Helm's.
    assert " tpl " not in path.read_text()


def test_helpers_are_named_after_the_chart() -> None:
    # All charts of an umbrella share one space of names.
    helpers = [
        name for path in TEMPLATES for name in re.findall(r'define "([^"]+)"', path.read_text())
    ]

    assert [name for name in helpers if not name.startswith("bitopro-margin-exporter.")] == []
    assert len(helpers) == len(set(helpers)) > 0


def test_notes_name_what_is_rendered() -> None:
    assert "statefulset/" in (CHART / "templates" / "NOTES.txt").read_text()
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["type"] == "application"
