"""Alert rules for Grafana's own alerting, from those of Prometheus and from the runbook.

The rules of Prometheus are read with PyYAML, which is a dependency of the exporter. JSON is YAML,
so what is written needs no library.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from grafana.values import Json

DATA_SOURCE_UID = "bitopro-margin-prometheus"
_FOLDER = "BitoPro margin"
# Grafana looks every ten seconds, or at a multiple of that: 15 s, as in Prometheus, is none.
_INTERVAL = "10s"

# What becomes of an alert, by its severity, while Prometheus cannot be asked. The watchdog is of
# severity none and has to end: it says that all is well, and who no longer hears it calls for help.
_WHILE_PROMETHEUS_IS_SILENT = {
    "critical": "Alerting",
    "warning": "Error",
    "info": "Error",
    "none": "OK",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule of Prometheus. `means` and `do` are of its entry in the runbook."""

    group: str
    name: str
    expression: str
    waits: str
    keeps_firing: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    means: str
    do: str

    def json(self) -> Json:
        """Return it as Grafana is provisioned with it."""
        return {
            "uid": _uid(self.name),
            "title": self.name,
            "condition": "C",
            "data": [
                _query(self.expression),
                _expression("B", {"type": "reduce", "expression": "A", "reducer": "last"}),
                _expression("C", {"type": "math", "expression": _IS_ANYTHING}),
            ],
            # Nothing is what an expression gives while all is well.
            "noDataState": "OK",
            "execErrState": _WHILE_PROMETHEUS_IS_SILENT[self.labels["severity"]],
            "for": self.waits,
            "keepFiringFor": self.keeps_firing,
            "labels": dict(self.labels),
            "annotations": {
                "summary": in_grafana(self.annotations["summary"]),
                "description": f"{self.means} What to do: {self.do}",
                "runbook_url": self.annotations["runbook_url"],
                "dashboard_url": in_grafana(self.annotations["dashboard_url"]),
            },
            "isPaused": False,
        }


# An expression of Prometheus fires for every series that it gives, whatever its value: 0, infinite
# or no number at all. A condition of Grafana fires where its value is not 0.
_IS_ANYTHING = "is_number($B) || is_nan($B) || is_inf($B)"


def alerts_of(rules: Sequence[Path], runbook: Path) -> Iterator[Alert]:
    """Return the alert rules of files of Prometheus, in order."""
    entries = dict(
        re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", runbook.read_text(), re.DOTALL | re.MULTILINE)
    )
    for path in rules:
        # YAML of any shape.
        document: Any = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield _alert(group["name"], rule, entries[rule["alert"]])


def _alert(group: str, rule: Mapping[str, Any], entry: str) -> Alert:  # Any: YAML, as above
    return Alert(
        group=group,
        name=rule["alert"],
        expression=rule["expr"],
        waits=rule.get("for", "0s"),
        keeps_firing=rule.get("keep_firing_for", "0s"),
        labels=rule["labels"],
        annotations=rule["annotations"],
        means=_point(entry, "Means"),
        do=_point(entry, "Do"),
    )


def provisioned(alerts: Sequence[Alert]) -> Json:
    """Return the document that Grafana is provisioned with."""
    groups = dict.fromkeys(alert.group for alert in alerts)
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group,
                "folder": _FOLDER,
                "interval": _INTERVAL,
                "rules": [alert.json() for alert in alerts if alert.group == group],
            }
            for group in groups
        ],
    }


def in_grafana(template: str) -> str:
    """Return a template as Grafana understands it: a value is of a query, and needs its name.

    Raises ValueError where it asks Prometheus, which Grafana's templates cannot.
    """
    if "query" in template:
        raise ValueError(f"Grafana's templates have no query: {template!r}")
    return template.replace("$value", "$values.B.Value")


def _uid(name: str) -> str:
    """Return "bitopro-margin-ratio-critical" for BitoproMarginRatioCritical; at most 40 letters."""
    uid = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    return uid if len(uid) <= _UID_LENGTH else uid.replace("bitopro-margin-", "bm-")


_UID_LENGTH = 40


def _query(expression: str) -> Json:
    return {
        "refId": "A",
        "datasourceUid": DATA_SOURCE_UID,
        "relativeTimeRange": {"from": 600, "to": 0},
        "model": {
            "refId": "A",
            "datasource": {"type": "prometheus", "uid": DATA_SOURCE_UID},
            "editorMode": "code",
            "expr": expression,
            "instant": True,
            "range": False,
            "intervalMs": 15000,
            "maxDataPoints": 43200,
        },
    }


def _expression(ref_id: str, model: Json) -> Json:
    return {
        "refId": ref_id,
        "datasourceUid": "__expr__",
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {
            "refId": ref_id,
            "datasource": {"type": "__expr__", "uid": "__expr__"},
            **model,
        },
    }


def _point(entry: str, name: str) -> str:
    """Return a point of a runbook entry as one line of plain text."""
    (text,) = re.findall(
        rf"^- \*\*{name}\*\*: (.*?)(?=^- \*\*|\Z)", entry, re.DOTALL | re.MULTILINE
    )
    unlinked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    plain = " ".join(re.sub(r"[*`]", "", unlinked).split())
    return plain[:1].upper() + plain[1:]
