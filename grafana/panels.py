"""Panels, queries and how values look, as Grafana's classic dashboards write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana.values import Json, Value

DATA_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}


DASHED: Json = {"fill": "dash", "dash": [8, 6]}


@dataclass(frozen=True, slots=True)
class Target:
    """A query. `legend` is a template of labels; an instant query looks at the end of the range."""

    expression: str
    legend: str = "__auto"
    is_instant: bool = False

    def json(self, ref_id: str) -> Json:
        """Return it as the panel's query `ref_id`."""
        return {
            "refId": ref_id,
            "datasource": DATA_SOURCE,
            "editorMode": "code",
            "expr": self.expression,
            "legendFormat": self.legend,
            "instant": self.is_instant,
            "range": not self.is_instant,
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel. `width` is in columns, of which there are 24.

    `empty` is shown where there is nothing; `interval` is the least distance of two points.
    """

    kind: str
    title: str
    description: str
    width: int
    targets: tuple[Target, ...]
    options: Json
    defaults: Json
    empty: str
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    interval: str = ""

    def json(self, panel_id: int, x: int, y: int, height: int) -> Json:
        """Return it at a place of the grid."""
        return {
            "id": panel_id,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATA_SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": height},
            "targets": [
                target.json(chr(ord("A") + number)) for number, target in enumerate(self.targets)
            ],
            "fieldConfig": {
                "defaults": {"noValue": self.empty, **self.defaults},
                "overrides": list(self.overrides),
            },
            "options": self.options,
            "transformations": list(self.transformations),
            **({"interval": self.interval} if self.interval else {}),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A headline, and lines of panels below it: height and panels of each."""

    title: str
    lines: tuple[tuple[int, tuple[Panel, ...]], ...]
    is_collapsed: bool = False


# Rates of a minute's shape: two scrapes and more in each, and no jitter of single polls.
RATE_INTERVAL = "30s"


def interval_of(targets: Sequence[Target]) -> str:
    """Return the least distance of points, which only rates need."""
    is_rate = any("$__rate_interval" in target.expression for target in targets)
    return RATE_INTERVAL if is_rate else ""


def override(name: str, **properties: Value) -> Json:
    """Return what is different for a field; `cellOptions` and such are properties of tables."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": _properties(properties),
    }


def override_of_query(ref_id: str, **properties: Value) -> Json:
    """Return what is different for all that a query returns."""
    return {
        "matcher": {"id": "byFrameRefID", "options": ref_id},
        "properties": _properties(properties),
    }


_CUSTOM = {
    "align", "cellOptions", "drawStyle", "fillOpacity", "hideFrom", "lineStyle", "lineWidth",
    "minWidth", "pointSize", "showPoints", "width",
}  # fmt: skip


def _properties(properties: Mapping[str, Value]) -> list[Json]:
    return [
        {"id": f"custom.{name}" if name in _CUSTOM else name, "value": value}
        for name, value in properties.items()
    ]


def fixed(colour: str) -> Json:
    """Return a colour that does not depend on the value."""
    return {"mode": "fixed", "fixedColor": colour}


def steps(base: str, *above: tuple[float, str]) -> Json:
    """Return thresholds: the colour below all, then each colour from its value on."""
    return {
        "mode": "absolute",
        "steps": [
            {"value": None, "color": base},
            *({"value": value, "color": colour} for value, colour in above),
        ],
    }


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """How a panel shows its values: unit, decimals, colours, mappings."""

    unit: str
    decimals: int | None = None
    thresholds: Json = field(default_factory=lambda: steps("text"))
    mappings: Sequence[Json] = ()
    minimum: float | None = None
    maximum: float | None = None
    overrides: Sequence[Json] = ()
    empty: str = "no data"

    def defaults(self, colour: Json, custom: Json | None = None) -> Json:
        """Return the field configuration."""
        known: dict[str, Value] = {
            "unit": self.unit,
            "decimals": self.decimals,
            "min": self.minimum,
            "max": self.maximum,
        }
        return {
            **{name: value for name, value in known.items() if value is not None},
            "color": colour,
            "thresholds": self.thresholds,
            "mappings": list(self.mappings),
            **({"custom": custom} if custom else {}),
        }
