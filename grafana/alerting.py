"""Alert rules for Grafana's own alerting, from the records of alerts and from the runbook."""

import re
from collections.abc import Sequence
from pathlib import Path

from deploy.alerts.record import Alert, Group, Links
from grafana.values import Json

DATA_SOURCE_UID = "bitopro-margin-prometheus"
_FOLDER = "BitoPro margin"
# Grafana looks every ten seconds, or at a multiple of that: 5 s, as in Prometheus, is none.
_INTERVAL = "10s"

# What becomes of an alert, by its severity, while Prometheus cannot be asked. The watchdog is of
# severity none and has to end: it says that all is well, and who no longer hears it calls for help.
_WHILE_PROMETHEUS_IS_SILENT = {
    "critical": "Alerting",
    "warning": "Error",
    "info": "Error",
    "none": "OK",
}


def _rule(alert: Alert, entry: str, links: Links) -> Json:
    rule = alert.rule(links, "en")
    annotations = alert.annotations(links, "en")
    means, todo = _point(entry, "Means"), _point(entry, "Do")
    return {
        "uid": _uid(alert.full_name),
        "title": alert.full_name,
        "condition": "C",
        "data": [
            _query(str(rule["expr"])),
            _expression("B", {"type": "reduce", "expression": "A", "reducer": "last"}),
            _expression("C", {"type": "math", "expression": _IS_ANYTHING}),
        ],
        # Nothing is what an expression gives while all is well.
        "noDataState": "OK",
        "execErrState": _WHILE_PROMETHEUS_IS_SILENT[alert.severity],
        "for": alert.waits or "0s",
        "keepFiringFor": alert.keeps_firing or "0s",
        "labels": {"severity": alert.severity},
        "annotations": {
            **{
                name: in_grafana(text)
                for name, text in annotations.items()
                if name != "description"
            },
            "description": f"{means} What to do: {todo}",
        },
        "isPaused": False,
    }


# An expression of Prometheus fires for every series that it gives, whatever its value: 0, infinite
# or no number at all. A condition of Grafana fires where its value is not 0.
_IS_ANYTHING = "is_number($B) || is_nan($B) || is_inf($B)"


def provisioned(groups: Sequence[Group], runbook: Path, links: Links) -> Json:
    """Return the document that Grafana is provisioned with."""
    entries = dict(
        re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", runbook.read_text(), re.DOTALL | re.MULTILINE)
    )
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": _FOLDER,
                "interval": _INTERVAL,
                "rules": [_rule(alert, entries[alert.full_name], links) for alert in group.alerts],
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
            "intervalMs": 5000,
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
