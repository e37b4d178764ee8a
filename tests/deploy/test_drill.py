"""The drill inside of a cluster, where the operator takes the place of the folder of targets."""

from typing import Any

from exporter import __version__
from exporter.cli.parser import parse_arguments
from exporter.state import DRILL_ACCOUNT
from generate.bundle import KUBERNETES
from tests.alerts.deployment import PROMETHEUS_CONFIG, document
from tests.deploy.policy import pod_violations

POD = document(KUBERNETES / "drill" / "pod.yaml")
MONITOR = document(KUBERNETES / "drill" / "podmonitor.yaml")
(CONTAINER,) = POD["spec"]["containers"]
JOB = next(
    each
    for each in document(PROMETHEUS_CONFIG)["scrape_configs"]
    if each["job_name"] == "bitopro-margin-drill"
)


def rules_of_the_operator(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rules of Prometheus under the operator's names."""
    names = {"target_label": "targetLabel", "source_labels": "sourceLabels"}
    return [{names.get(key, key): value for key, value in rule.items()} for rule in rules]


def test_pod_is_restricted_and_writes_to_memory_alone() -> None:
    assert pod_violations(POD) == [
        "has a volume beside configuration and secrets",
        "may write to a volume",
    ]
    assert POD["spec"]["volumes"] == [
        {"name": "targets", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    ]
    assert POD["spec"]["restartPolicy"] == "Never"


def test_exporter_understands_its_arguments() -> None:
    options = parse_arguments(CONTAINER["args"])
    (port,) = CONTAINER["ports"]
    (mount,) = CONTAINER["volumeMounts"]

    assert options.command == "drill"
    assert options.listen_address == f":{port['containerPort']}"
    assert str(options.targets_folder) == mount["mountPath"]
    assert options.prometheus_url == "http://prometheus-operated.monitoring:9090"
    assert options.alertmanager_url == "http://alertmanager-operated.monitoring:9093"
    assert CONTAINER["image"] == f"bitopro-margin-exporter:{__version__}"


def test_no_service_and_no_policy_takes_it_for_an_exporter() -> None:
    labels = POD["metadata"]["labels"]
    service = document(KUBERNETES / "service.yaml")["spec"]["selector"]

    assert not service.items() <= labels.items()
    assert MONITOR["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_scrapes_are_those_of_the_shipped_prometheus() -> None:
    (endpoint,) = MONITOR["spec"]["podMetricsEndpoints"]
    name, *relabelings = endpoint["relabelings"]

    assert MONITOR["spec"]["sampleLimit"] == JOB["sample_limit"]
    assert MONITOR["spec"]["bodySizeLimit"] == JOB["body_size_limit"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == (
        JOB["scrape_interval"],
        JOB["scrape_timeout"],
    )
    assert endpoint["honorLabels"] is JOB["honor_labels"] is False
    assert name == {"targetLabel": "job", "replacement": JOB["job_name"]}
    assert relabelings == [
        *rules_of_the_operator(JOB["relabel_configs"]),
        # Prometheus has none of its own; the operator does.
        {"regex": "endpoint", "action": "labeldrop"},
    ]
    assert endpoint["metricRelabelings"] == rules_of_the_operator(JOB["metric_relabel_configs"])
    assert {"targetLabel": "account", "replacement": DRILL_ACCOUNT} in relabelings
