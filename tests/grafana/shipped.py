"""The dashboards that are shipped, read as data."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.generate import ROOT

DASHBOARDS = sorted((ROOT / "dashboards").iterdir())

# JSON of any shape.
Document = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """An expression, and where it stands."""

    dashboard: str
    panel: str
    ref_id: str
    expression: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.ref_id}"

    def with_values(self, **values: str) -> str:
        """Return the expression as Grafana sends it, with values of variables."""
        return filled(self.expression, **values)


# What the variables of Grafana itself stand for.
_OF_GRAFANA = {"__rate_interval": "15s", "__range": "1h"}


def filled(text: str, **values: str) -> str:
    """Return a text with values of variables, ".+" for those that are not given: All."""
    known = {**_OF_GRAFANA, **values}
    # $1 and ${2} are what PromQL's label_replace calls the groups of its pattern.
    return re.sub(r"\$([a-z_]\w*)", lambda found: known.get(found[1], ".+"), text)


def dashboard(path: Path) -> Document:
    """Return a dashboard."""
    loaded: Document = json.loads(path.read_text())
    return loaded


def panels_of(document: Document) -> list[Document]:
    """Return the panels, those in collapsed rows too, without the rows themselves."""
    inside = [panel for row in document["panels"] for panel in row.get("panels", [])]
    return [panel for panel in document["panels"] + inside if panel["type"] != "row"]


PANELS = [(path.stem, panel) for path in DASHBOARDS for panel in panels_of(dashboard(path))]
QUERIES = [
    Query(name, panel["title"], target["refId"], target["expr"])
    for name, panel in PANELS
    for target in panel["targets"]
]
ANNOTATIONS = [
    Query(path.stem, "annotation", annotation["name"], annotation["expr"])
    for path in DASHBOARDS
    for annotation in dashboard(path)["annotations"]["list"]
]
VARIABLES = [
    (path.stem, variable)
    for path in DASHBOARDS
    for variable in dashboard(path)["templating"]["list"]
]
