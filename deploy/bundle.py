"""Makes the files that carry rules and dashboards to where they are run: `make bundle`.

Rules have one source, deploy/prometheus/rules, and dashboards another, grafana/dashboards. Compose
mounts them; Kubernetes and Helm can only read what is in their own folder, so copies are made, and
a test proves that they are current.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules"
DASHBOARDS = ROOT / "grafana" / "dashboards"
DATASOURCES = ROOT / "grafana" / "provisioning" / "datasources"
PROMETHEUS_CONFIG = ROOT / "deploy" / "prometheus" / "prometheus.yml"
COMPOSE = ROOT / "deploy" / "compose"
KUBERNETES = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "bitopro-margin-exporter"

# Where things are in Compose's network, as Prometheus and as Grafana see them.
_SEEN_BY_PROMETHEUS = {"127.0.0.1:10061": "exporter:10061", "127.0.0.1:9093": "alertmanager:9093"}
_SEEN_BY_GRAFANA = {"127.0.0.1:9090": "prometheus:9090", "127.0.0.1:9093": "alertmanager:9093"}
_MADE = "# Made by make bundle; edit the source, {}.\n"
_LABELS = {
    "app.kubernetes.io/name": "bitopro-margin-exporter",
    "app.kubernetes.io/part-of": "bitopro-margin-exporter",
}


def bundle() -> Mapping[Path, str]:
    """Return every file that is made, and its text."""
    rules = {path.name: path.read_text() for path in sorted(RULES.glob("*.yml"))}
    dashboards = {path.name: path.read_text() for path in sorted(DASHBOARDS.glob("*.json"))}
    return {
        COMPOSE / "prometheus.yml": _in_compose(PROMETHEUS_CONFIG, _SEEN_BY_PROMETHEUS),
        **{
            COMPOSE / "datasources" / path.name: _in_compose(path, _SEEN_BY_GRAFANA)
            for path in sorted(DATASOURCES.glob("*.yml"))
        },
        KUBERNETES / "rules.yaml": _rules_manifests(rules),
        KUBERNETES / "dashboards.yaml": _dashboards_manifests(dashboards),
        **{CHART / "files" / "rules" / name: text for name, text in rules.items()},
        **{CHART / "files" / "dashboards" / name: text for name, text in dashboards.items()},
    }


def made_files() -> set[Path]:
    """Return every file that is where copies are, so that one without a source is noticed."""
    folders = (CHART / "files", COMPOSE / "datasources")
    return {path for folder in folders for path in folder.rglob("*") if path.is_file()}


def _in_compose(path: Path, hosts: Mapping[str, str]) -> str:
    text = path.read_text()
    for here, there in hosts.items():
        text = text.replace(here, there)
    return _MADE.format(path.relative_to(ROOT)) + text


def _rules_manifests(rules: Mapping[str, str]) -> str:
    """Return a PrometheusRule per file, with the file's own text as its specification."""
    return _MADE.format("deploy/prometheus/rules") + "".join(
        _manifest("monitoring.coreos.com/v1", "PrometheusRule", name.removesuffix(".rules.yml"))
        + f"spec:\n{_indented(text)}"
        for name, text in rules.items()
    )


def _dashboards_manifests(dashboards: Mapping[str, str]) -> str:
    """Return a ConfigMap per dashboard, which Grafana's sidecar finds by its label."""
    return _MADE.format("grafana/dashboards") + "".join(
        _manifest("v1", "ConfigMap", f"bitopro-{name.removesuffix('.json')}", grafana_dashboard="1")
        + f"data:\n  {name}: |-\n{_indented(text.rstrip(), 4)}"
        for name, text in dashboards.items()
    )


def _manifest(api_version: str, kind: str, name: str, **labels: str) -> str:
    head = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "labels": {**_LABELS, **labels}},
    }
    return "---\n" + yaml.safe_dump(head, sort_keys=False)


def _indented(text: str, by: int = 2) -> str:
    return "".join(
        f"{' ' * by}{line}\n" if line.strip() else "\n" for line in text.rstrip().splitlines()
    )


def main() -> None:
    """Write all files, and remove copies whose source is gone."""
    made = bundle()
    for path in made_files() - made.keys():
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
