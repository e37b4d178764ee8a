"""The chart under values/, one file for each kind of user, rendered by Helm's own engine."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli.parser import parse_arguments
from exporter.config.yaml_file import read_config_file
from generate.bundle import CHART
from tests.charts.tools import (
    documents,
    findings,
    is_hook,
    manifests,
    refusal,
    rendered,
    run,
)
from tests.deploy.policy import CONFINED, Manifest, mounted, opened, pod_violations

FILES = {path.stem: path for path in sorted((Path(__file__).parent / "values").glob("*.yaml"))}
# They exclude others, so they are set in a file of their own.
ALONE = {"existingConfigMap"}

each_file = pytest.mark.parametrize("name", FILES)


def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILES[name].read_text())
    return found


def objects(name: str, release: str = "margin") -> list[Manifest]:
    return manifests(rendered(values(name), release))


def one(kind: str, name: str, *, suffix: str = "") -> Manifest:
    """Return the object of a kind that is there at all times, or that with the name's suffix."""
    (found,) = (
        each
        for each in objects(name)
        if each["kind"] == kind
        and not is_hook(each)
        and (not suffix or each["metadata"]["name"].endswith(suffix))
    )
    return found


def pod(name: str) -> Manifest:
    found: Manifest = one("StatefulSet", name)["spec"]["template"]["spec"]
    return found


def container(name: str) -> Manifest:
    found: Manifest = pod(name)["containers"][0]
    return found


def endpoint(name: str) -> Manifest:
    monitor = next(
        each
        for each in objects(name)
        if each["kind"] == "ServiceMonitor"
        and not each["metadata"]["name"].endswith("-alertmanager")
    )
    (found,) = monitor["spec"]["endpoints"]
    return dict(found)


def hooks(name: str) -> dict[str, Manifest]:
    return {each["kind"]: each for each in objects(name) if is_hook(each)}


@each_file
def test_helm_finds_nothing(name: str) -> None:
    assert findings(values(name)) == []


@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_kubernetes_accepts_every_object(version: str, tmp_path: Path) -> None:
    counts = {}
    for name in FILES:
        # Those of the operator have no schema there.
        known = [each for each in objects(name) if "coreos" not in each["apiVersion"]]
        (tmp_path / f"{name}.yaml").write_text(yaml.dump_all(known, Dumper=yaml.CSafeDumper))
        counts[name] = len(known)

    check = run("kubernetes-validate", "--strict", "-k", version, *sorted(tmp_path.glob("*.yaml")))

    assert (check.returncode, check.stderr) == (0, "")
    assert check.stdout.count(" passed for resource ") == sum(counts.values())
    assert min(counts.values()) > 3


def test_key_that_is_there_twice_is_noticed() -> None:
    assert documents("a: 1\n---\nb: {c: 1}\n") == [{"a": 1}, {"b": {"c": 1}}]
    with pytest.raises(yaml.YAMLError, match="twice: c"):
        documents("b: {c: 1, d: 2, c: 3}")


@each_file
def test_no_two_objects_have_one_name(name: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in objects(name)]

    assert len(names) == len(set(names))


@each_file
def test_every_object_has_the_common_labels(name: str) -> None:
    given = values(name)
    given["commonLabels"] = {**given.get("commonLabels", {}), "cost-center": "42"}
    made = manifests(rendered(given))
    pods = [each["spec"]["template"] for each in made if each["kind"] == "StatefulSet"]

    assert [
        (each.get("kind"), each["metadata"])
        for each in (*made, *pods)
        if each["metadata"]["labels"].get("cost-center") != "42"
    ] == []


@each_file
def test_everything_selects_the_pods_whatever_labels_are_set(name: str) -> None:
    made = [each for each in objects(name) if not is_hook(each)]
    labels = one("StatefulSet", name)["spec"]["template"]["metadata"]["labels"]
    service = one("Service", name)
    selectors = {
        "StatefulSet": lambda spec: spec["selector"]["matchLabels"],
        "Service": lambda spec: spec["selector"],
        "NetworkPolicy": lambda spec: spec["podSelector"]["matchLabels"],
        "PodDisruptionBudget": lambda spec: spec["selector"]["matchLabels"],
    }
    missed = [
        each["kind"]
        for each in made
        if each["kind"] in selectors
        and not selectors[each["kind"]](each["spec"]).items() <= labels.items()
    ]

    assert missed == []
    assert [
        each["metadata"]["name"]
        for each in made
        if each["kind"] == "ServiceMonitor"
        and not each["metadata"]["name"].endswith("-alertmanager")
        and not each["spec"]["selector"]["matchLabels"].items()
        <= service["metadata"]["labels"].items()
    ] == []


@each_file
def test_pods_are_restricted_unless_values_say_otherwise(name: str) -> None:
    loosened = {
        "emptied": {
            "runs as somebody, or without seccomp",
            "is not confined",
            "may use all memory",
        },
        "everything": {
            "runs as somebody, or without seccomp",
            "is not confined",
            "shares something with the node",
            "has secrets in variables",
        },
        "openshift": {"runs as somebody, or without seccomp"},
        "proxy": {
            "shares something with the node",
            "has a volume beside configuration and secrets",
            "has secrets in variables",
        },
    }
    violations = set(pod_violations(one("StatefulSet", name)))

    assert violations == loosened.get(name, set())


def test_everything_sets_every_value() -> None:
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    given = values("everything")
    missing = [
        f"{key}.{part}" if part else key
        for key, default in defaults.items()
        for part in (default if schema[key].get("properties") and key != "config" else [""])
        if key not in ALONE and (key not in given or (part and part not in given[key]))
    ]

    assert missing == []


def test_everything_arrives_at_the_pods() -> None:
    spec, exporter = pod("everything"), container("everything")

    assert one("StatefulSet", "everything")["metadata"]["name"] == "margin-of-finance"
    assert one("StatefulSet", "everything")["spec"]["replicas"] == 2
    assert {key: spec[key] for key in spec.keys() - {"containers", "volumes"}} == {
        "serviceAccountName": "someone",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
        "imagePullSecrets": [{"name": "pull"}],
        "priorityClassName": "high",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "terminationGracePeriodSeconds": 10,
        "affinity": {"podAntiAffinity": {}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
        "initContainers": [{"name": "wait", "image": "registry.example.com/wait"}],
    }
    assert [each["name"] for each in spec["volumes"]] == ["config", "web", "authorities"]
    assert exporter == {
        "name": "exporter",
        "image": f"registry.example.com/finance/margin@sha256:{'0' * 64}",
        "imagePullPolicy": "Always",
        "args": [
            "run",
            "--web.listen-address=:10061",
            "--config.file=/etc/bitopro/config.yml",
            "--web.config.file=/etc/bitopro-web/web.yml",
            "--total-shards=2",
            "--shard-from-hostname",
            "--log.format=json",
        ],
        "env": [{"name": "TZ", "value": "Asia/Taipei"}],
        "envFrom": [{"configMapRef": {"name": "proxies"}}],
        "ports": [{"name": "metrics", "containerPort": 10061}],
        "securityContext": {"readOnlyRootFilesystem": True},
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "512Mi"},
        },
        "livenessProbe": {
            "tcpSocket": {"port": "metrics"},
            "initialDelaySeconds": 1,
            "periodSeconds": 11,
            "timeoutSeconds": 5,
        },
        "startupProbe": {
            "tcpSocket": {"port": "metrics"},
            "failureThreshold": 31,
            "periodSeconds": 2,
            "timeoutSeconds": 2,
        },
        "readinessProbe": {
            "tcpSocket": {"port": "metrics"},
            "periodSeconds": 5,
            "timeoutSeconds": 4,
        },
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/bitopro", "readOnly": True},
            {"name": "web", "mountPath": "/etc/bitopro-web", "readOnly": True},
            {"name": "authorities", "mountPath": "/etc/authorities", "readOnly": True},
        ],
    }


def test_everything_arrives_at_the_other_objects() -> None:
    name = "everything"
    service, policy = one("Service", name), one("NetworkPolicy", name)
    alertmanager = one("ServiceMonitor", name, suffix="-alertmanager")
    rules = [each for each in objects(name) if each["kind"] == "PrometheusRule"]

    assert service["spec"]["type"] == "LoadBalancer"
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 9100, "targetPort": "metrics"}]
    assert "clusterIP" not in service["spec"]
    assert service["metadata"]["annotations"] == {"of": "service"}
    assert service["metadata"]["labels"]["of"] == "service"
    assert [each for each in objects(name) if each["kind"] == "ServiceAccount"] == []
    assert one("ConfigMap", name, suffix="authorities")["data"] == {
        "braces": "{{ are not Helm's }}"
    }
    assert opened(policy, "egress", "to") == [(["ipBlock"], {5353}), (["ipBlock"], {443})]
    assert alertmanager["spec"]["namespaceSelector"] == {"matchNames": ["observability"]}
    assert alertmanager["spec"]["endpoints"][0]["port"] == "http-web"
    assert len(rules) == 3
    assert {each["metadata"]["labels"]["more"] for each in rules} == {"rules"}


def test_relabelings_follow_those_of_the_chart() -> None:
    found = endpoint("everything")

    assert [each["targetLabel"] for each in found.pop("relabelings")] == [
        "job",
        "instance",
        "cluster",
        "region",
    ]
    assert found == {
        "port": "metrics",
        "scheme": "https",
        "interval": "11s",
        "scrapeTimeout": "9s",
        "honorLabels": True,
        "metricRelabelings": [{"regex": "undue", "action": "labeldrop"}],
        "tlsConfig": {"serverName": "margin.example.com"},
    }


def test_labels_of_values_win_except_those_that_select() -> None:
    name = "labels-that-collide"
    labels = {
        "StatefulSet": one("StatefulSet", name)["metadata"]["labels"],
        "pods": one("StatefulSet", name)["spec"]["template"]["metadata"]["labels"],
        "ServiceMonitor": one("ServiceMonitor", name)["metadata"]["labels"],
        "notes": one("ConfigMap", name, suffix="notes")["metadata"]["labels"],
    }
    keys = ("name", "instance", "part-of")

    assert {
        of: [found.get(f"app.kubernetes.io/{key}") for key in keys] for of, found in labels.items()
    } == {
        "StatefulSet": ["bitopro-margin-exporter", "margin", "trading"],
        "pods": ["bitopro-margin-exporter", "margin", "trading"],
        "ServiceMonitor": ["bitopro-margin-exporter", "margin", "trading"],
        "notes": ["other", None, "trading"],
    }
    assert {of: (found["team"], found.get("release")) for of, found in labels.items()} == {
        "StatefulSet": ("finance", None),
        "pods": ("pods", None),
        "ServiceMonitor": ("monitor", "b"),
        "notes": ("notes", None),
    }


def test_openshift_chooses_the_user_and_nothing_else_is_loosened() -> None:
    policy = one("NetworkPolicy", "openshift")

    assert pod("openshift")["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container("openshift")["securityContext"] == CONFINED
    assert opened(policy, "egress", "to")[0] == (["namespaceSelector+podSelector"], {5353})


def test_security_contexts_and_probes_can_be_left_out() -> None:
    assert "securityContext" not in pod("emptied")
    assert not container("emptied").keys() & {
        "securityContext",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
    }


def test_probes_ask_what_values_say() -> None:
    name = "own-probes"

    assert container(name)["livenessProbe"] == {
        "exec": {"command": ["bitopro-margin-exporter", "healthcheck"]},
        "periodSeconds": 60,
        "timeoutSeconds": 5,
    }
    assert container(name)["readinessProbe"]["tcpSocket"] == {"port": "metrics"}
    assert container(name)["startupProbe"]["httpGet"]["path"] == "/-/healthy"
    assert container(name)["startupProbe"]["failureThreshold"] == 300


def test_releases_beside_each_other_share_nothing() -> None:
    first, second = objects("first-of-two", "first"), objects("second-of-two", "second")
    names = [
        {(each["kind"], each["metadata"]["name"]) for each in made} for made in (first, second)
    ]
    texts = [json.dumps(made) for made in (first, second)]
    (selector,) = (each["spec"]["selector"] for each in first if each["kind"] == "Service")
    (others,) = (
        each["spec"]["template"]["metadata"]["labels"]
        for each in second
        if each["kind"] == "StatefulSet"
    )

    assert names[0] & names[1] == set()
    assert not selector.items() <= others.items()
    assert "margin-second" not in texts[0]
    assert "margin-first" not in texts[1]
    for made, job in ((first, "margin-first"), (second, "margin-second")):
        monitor = next(each for each in made if each["kind"] == "ServiceMonitor")
        expressions = json.dumps(
            [each["spec"] for each in made if each["kind"] == "PrometheusRule"]
        )
        assert monitor["spec"]["endpoints"][0]["relabelings"][0]["replacement"] == job
        assert set(re.findall(r'job=\\"([^\\"]+)', expressions)) == {job, "bitopro-margin-drill"}


def test_configuration_may_be_a_config_map_of_the_user(tmp_path: Path) -> None:
    name = "own-config-map"
    config, secret = (
        next(iter(each.values())) for each in pod(name)["volumes"][0]["projected"]["sources"]
    )
    kept = [{"path": entry} for entry in ("main-key", "main-secret", "main-email")]
    path = mounted(
        tmp_path,
        "accounts: [{name: main, api_key_file: main-key, api_secret_file: main-secret, "
        "email_file: main-email}]",
        kept,
    )

    (account,) = read_config_file(path).accounts

    # Without a list of entries, the kubelet lays each beside the configuration.
    assert (config, secret) == ({"name": "margin-config"}, {"name": "keys"})
    assert account.credentials.read().email == "me@example.com"
    assert [
        each["metadata"]["name"]
        for each in objects(name)
        if each["kind"] == "ConfigMap" and "grafana_dashboard" not in each["metadata"]["labels"]
    ] == []
    assert one("StatefulSet", name)["spec"]["template"]["metadata"]["annotations"] == {
        "reloader": "true"
    }
    assert rendered(values(name))["NOTES.txt"].startswith(
        "1 exporter for the accounts of the ConfigMap margin-config.\n"
    )


def test_service_account_of_the_user_is_taken() -> None:
    name = "own-service-account"

    assert [each for each in objects(name) if each["kind"] == "ServiceAccount"] == []
    assert pod(name)["serviceAccountName"] == "default"
    assert pod(name)["imagePullSecrets"] == [{"name": "pull"}]
    assert pod(name)["automountServiceAccountToken"] is False


def test_without_operator_and_sidecar_there_is_nothing_of_theirs() -> None:
    assert {each["kind"] for each in objects("no-operator")} == {
        "ConfigMap",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    }
    assert one("Service", "no-operator")["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "10061",
    }


@pytest.mark.parametrize(
    ("name", "address"),
    [
        # The name of a headless Service leads to the pods, which know nothing of its port.
        ("least", "margin-bitopro-margin-exporter.finance.svc:10061"),
        ("web-users", "margin-bitopro-margin-exporter.finance.svc:10061"),
        ("cluster-ip", "margin-bitopro-margin-exporter.finance.svc:8080"),
        ("node-port", "margin-bitopro-margin-exporter.finance.svc:80"),
    ],
)
def test_helm_test_asks_the_service_with_the_command_of_the_image(name: str, address: str) -> None:
    test = hooks(name)["Pod"]["spec"]["containers"][0]
    service = one("Service", name)
    options = parse_arguments(test["args"])
    host, _, port = address.partition(":")

    assert options.command == "healthcheck"
    assert options.listen_address == (host, int(port))
    assert options.is_tls is (name == "web-users")
    assert (service["spec"].get("clusterIP") == "None") is (port == "10061")
    assert (test["image"], test["resources"]) == (
        container(name)["image"],
        container(name)["resources"],
    )


def test_pod_of_helm_test_is_restricted_and_no_exporter() -> None:
    made = hooks("least")
    labels = made["Pod"]["metadata"]["labels"]

    assert pod_violations(made["Pod"]) == []
    assert made["Pod"]["spec"]["restartPolicy"] == "Never"
    assert not one("Service", "least")["spec"]["selector"].items() <= labels.items()
    assert pod("least")["serviceAccountName"] == made["Pod"]["spec"]["serviceAccountName"]


def test_policy_lets_helm_test_in_while_it_runs() -> None:
    made = hooks("least")
    policy = made["NetworkPolicy"]
    annotations = policy["metadata"]["annotations"]
    ((peer,),) = (rule["from"] for rule in policy["spec"]["ingress"])

    assert annotations["helm.sh/hook-delete-policy"] == (
        "before-hook-creation,hook-succeeded,hook-failed"
    )
    assert int(annotations["helm.sh/hook-weight"]) < 0
    assert policy["spec"]["podSelector"] == one("NetworkPolicy", "least")["spec"]["podSelector"]
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert opened(policy, "ingress", "from") == [(["podSelector"], {"metrics"})]
    assert peer["podSelector"]["matchLabels"].items() <= made["Pod"]["metadata"]["labels"].items()


@pytest.mark.parametrize("name", ["everything", "no-operator"])
def test_there_is_no_helm_test_where_it_could_not_pass_or_is_switched_off(name: str) -> None:
    assert hooks(name) == {}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"existingConfigMap": "x", "prometheusRule": {"fixedAccounts": True}}, "fixedAccounts"),
        ({"service": {"type": "ExternalName"}}, "/service/type"),
        ({"service": {"clusterIP": "10.0.0.1"}}, "/service/clusterIP"),
        ({"networkPolicy": {"dnsPort": 0}}, "/networkPolicy/dnsPort"),
        ({"extraObjects": ["kind: ConfigMap"]}, "/extraObjects/0"),
        ({"extraObjects": [{"kind": "ConfigMap"}]}, "apiVersion"),
        ({"extraEnv": {"A": "b"}}, "/extraEnv"),
        ({"livenessProbe": False}, "/livenessProbe"),
        ({"commonLabels": {"a": 1}}, "/commonLabels/a"),
        ({"tests": {"image": "x"}}, "image"),
    ],
)
def test_schema_refuses(more: dict[str, Any], why: str) -> None:
    assert why in refusal({**values("least"), **more})


UMBRELLA = {
    "apiVersion": "v2",
    "name": "trading",
    "version": "1.0.0",
    "dependencies": [
        {
            "name": "bitopro-margin-exporter",
            "version": "0.1.0",
            "condition": "bitopro-margin-exporter.enabled",
        },
        {
            "name": "bitopro-margin-exporter",
            "version": "0.1.0",
            "alias": "margin-second",
            "condition": "margin-second.enabled",
        },
        {"name": "sibling", "version": "1.0.0"},
    ],
}


@pytest.fixture(scope="module")
def umbrella(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chart of a user's own: ours twice, under a condition, beside one that names its helpers
    as many do. Its own values empty the security contexts."""
    chart = tmp_path_factory.mktemp("umbrella") / "trading"
    sibling = chart / "charts" / "sibling"
    (sibling / "templates").mkdir(parents=True)
    shutil.copytree(CHART, chart / "charts" / CHART.name)
    (chart / "Chart.yaml").write_text(yaml.safe_dump(UMBRELLA))
    off = {"enabled": False, "podSecurityContext": {}, "securityContext": {}}
    (chart / "values.yaml").write_text(
        yaml.safe_dump({"bitopro-margin-exporter": off, "margin-second": {"enabled": False}})
    )
    (sibling / "Chart.yaml").write_text("{apiVersion: v2, name: sibling, version: 1.0.0}")
    (sibling / "templates" / "_helpers.tpl").write_text(
        "".join(
            f'{{{{- define "{prefix}.{name}" -}}}}sibling{{{{- end -}}}}'
            for prefix in ("exporter", "chart", "sibling")
            for name in ("name", "fullname", "labels", "selector", "image", "probe")
        )
    )
    return chart


def of_chart(chart: Path, given: dict[str, Any]) -> list[Manifest]:
    return manifests(rendered(given, chart=chart))


def test_umbrella_switches_it_off_and_needs_no_value_of_it(umbrella: Path) -> None:
    assert of_chart(umbrella, {}) == []


def test_umbrella_switches_it_on_by_its_condition(umbrella: Path) -> None:
    given = {"enabled": True, **values("least")}
    made = of_chart(umbrella, {"global": {"env": "x"}, "bitopro-margin-exporter": given})
    (stateful,) = (each for each in made if each["kind"] == "StatefulSet")

    assert stateful["metadata"]["name"] == "margin-bitopro-margin-exporter"
    assert "securityContext" not in stateful["spec"]["template"]["spec"]
    assert "securityContext" not in stateful["spec"]["template"]["spec"]["containers"][0]
    assert "sibling" not in json.dumps(made)
    assert {(each["kind"], each["metadata"]["name"]) for each in made} == {
        (each["kind"], each["metadata"]["name"]) for each in objects("least")
    }


def test_umbrella_may_have_it_under_another_name(umbrella: Path) -> None:
    given = {"enabled": True, **values("least")}
    (stateful,) = (
        each
        for each in of_chart(umbrella, {"margin-second": given})
        if each["kind"] == "StatefulSet"
    )

    assert stateful["metadata"]["name"] == "margin-margin-second"
    assert pod_violations(stateful) == []


def test_notes_say_how_to_see_that_prometheus_reaches_it() -> None:
    notes = rendered(values("first-of-two"))["NOTES.txt"]

    assert "helm test margin -n finance" in notes
    assert "promtool query instant http://127.0.0.1:9090 'up{job=\"margin-first\"}'" in notes
    assert "--data-urlencode 'query=up{job=\"margin-first\"}'" in notes


def test_notes_say_that_an_image_has_to_be_set_until_it_is() -> None:
    needed = "Until there is a release, image.registry and image.repository must be set"

    assert {
        name: needed in rendered(values(name))["NOTES.txt"] for name in ("least", "everything")
    } == {"least": True, "everything": False}


def test_annotations_of_artifact_hub_are_what_it_reads() -> None:
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    lists = {
        name: yaml.safe_load(text) for name, text in annotations.items() if text.startswith("- ")
    }

    assert annotations["artifacthub.io/category"] == "monitoring-logging"
    assert {
        name: sorted({key for each in found for key in each}) for name, found in lists.items()
    } == {
        "artifacthub.io/links": ["name", "url"],
        "artifacthub.io/recommendations": ["url"],
        "artifacthub.io/screenshots": ["title", "url"],
    }
