"""What both dashboards have in common: variables, annotations, links, places of panels."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.grid import placed
from grafana.panels import DATA_SOURCE, Row
from grafana.promql import alerts, of_account, of_target
from grafana.values import Json

ACCOUNT_UID = "bitopro-margin-account"
HEALTH_UID = "bitopro-exporter-health"

# The same two addresses stand in the rules of Prometheus; README.md says how to change them.
RUNBOOK = (
    "https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main/docs/runbook.md"
)
ALERTMANAGER = "http://127.0.0.1:9093"

# Newer ones are of Grafana's second model, which file provisioning refuses.
_SCHEMA_VERSION = 39


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard. `other` is the one it links to: title and uid."""

    uid: str
    title: str
    description: str
    other: tuple[str, str]
    rows: Sequence[Row]

    def json(self) -> Json:
        """Return it in Grafana's classic model."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["bitopro", "margin"],
            "schemaVersion": _SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "refresh": "15s",
            "time": {"from": "now-6h", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "weekStart": "",
            "templating": {"list": _variables()},
            "annotations": {"list": _annotations()},
            "links": _links(*self.other),
            "panels": list(placed(self.rows)),
        }


def _variables() -> list[Json]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "refresh": 1,
            "hide": 0,
        },
        _variable("job", "label_values(bitopro_margin_up, job)"),
        _variable("instance", 'label_values(bitopro_margin_up{job=~"$job"}, instance)'),
        _variable(
            "account",
            'label_values(bitopro_margin_up{job=~"$job", instance=~"$instance"}, account)',
        ),
        _variable("currency", f"label_values({of_account('total_amount')}, currency)"),
    ]


def _variable(name: str, query: str) -> Json:
    return {
        "name": name,
        "label": name.title(),
        "type": "query",
        "datasource": DATA_SOURCE,
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": f"Variable-{name}"},
        "regex": "",
        # Alphabetical; whenever the time range changes.
        "sort": 1,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _annotations() -> list[Json]:
    """Return firing alerts and starts of the exporter, as marks in every chart."""
    return [
        {
            "name": "Critical alerts",
            "datasource": DATA_SOURCE,
            "enable": True,
            "iconColor": "red",
            "expr": alerts('severity="critical"'),
            "titleFormat": "{{alertname}}",
            "textFormat": "{{account}} {{instance}}",
            "tagKeys": "severity",
        },
        {
            "name": "Warnings",
            "datasource": DATA_SOURCE,
            "enable": True,
            "iconColor": "yellow",
            "expr": alerts('severity="warning"'),
            "titleFormat": "{{alertname}}",
            "textFormat": "{{account}} {{instance}}",
            "tagKeys": "severity",
        },
        {
            "name": "Starts of the exporter",
            "datasource": DATA_SOURCE,
            "enable": True,
            "iconColor": "blue",
            # The value is the time of the start, in seconds; marks want milliseconds.
            "expr": f"{of_target('process_start_time_seconds')} * 1000",
            "useValueForTime": "on",
            "titleFormat": "The exporter started",
            "textFormat": "{{instance}}",
        },
    ]


def _links(title: str, uid: str) -> list[Json]:
    common: Json = {
        "type": "link",
        "asDropdown": False,
        "tags": [],
        "tooltip": "",
    }
    return [
        {
            **common,
            "title": title,
            "url": f"/d/{uid}",
            "icon": "dashboard",
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
        },
        {
            **common,
            "title": "Runbook",
            "url": RUNBOOK,
            "icon": "doc",
            "includeVars": False,
            "keepTime": False,
            "targetBlank": True,
        },
        {
            **common,
            "title": "Alertmanager",
            "url": f"{ALERTMANAGER}/#/alerts",
            "icon": "bolt",
            "includeVars": False,
            "keepTime": False,
            "targetBlank": True,
        },
    ]
