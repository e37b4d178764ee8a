"""The kinds of panels: tiles, bars, lines and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grafana.panels import FieldOptions, Panel, Target, interval_of
from grafana.states import colours_of_accounts
from grafana.values import Json, Value

# Cells of a table.
PLAIN: Json = {"type": "auto"}
COLOURED: Json = {"type": "color-text"}
FILLED: Json = {"type": "color-background", "mode": "basic"}


def stat(
    title: str, description: str, width: int, targets: Sequence[Target], look: FieldOptions
) -> Panel:
    """Return a tile: one large value for each query, its name below, its colour behind."""
    return Panel(
        kind="stat",
        title=title,
        description=description,
        width=width,
        targets=tuple(replace(target, is_instant=True) for target in targets),
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "textMode": "value_and_name",
            "wideLayout": False,
        },
        defaults=look.defaults({"mode": "thresholds"}),
        overrides=tuple(look.overrides),
        empty=look.empty,
        interval=interval_of(targets),
    )


def bars(
    title: str, description: str, width: int, targets: Sequence[Target], look: FieldOptions
) -> Panel:
    """Return a bar for each series."""
    return Panel(
        kind="bargauge",
        title=title,
        description=description,
        width=width,
        targets=tuple(replace(target, is_instant=True) for target in targets),
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "displayMode": "basic",
            "orientation": "horizontal",
            "namePlacement": "left",
            "sizing": "auto",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "maxVizHeight": 40,
            "showUnfilled": True,
            "valueMode": "color",
        },
        defaults=look.defaults({"mode": "thresholds"}),
        overrides=tuple(look.overrides),
        empty=look.empty,
        interval=interval_of(targets),
    )


def lines(  # noqa: PLR0913 - what there is to say of a chart
    title: str,
    description: str,
    width: int,
    targets: Sequence[Target],
    look: FieldOptions,
    *,
    custom: Json | None = None,
    has_wide_legend: bool = False,
) -> Panel:
    """Return a chart of lines over time. Where nothing is known, a line has a gap."""
    return Panel(
        kind="timeseries",
        title=title,
        description=description,
        width=width,
        targets=tuple(targets),
        options={
            "legend": {
                "showLegend": True,
                "displayMode": "table" if has_wide_legend else "list",
                "placement": "right" if has_wide_legend else "bottom",
                "calcs": ["lastNotNull"] if has_wide_legend else [],
            },
            "tooltip": {"mode": "multi", "sort": "asc"},
        },
        defaults=look.defaults(
            {"mode": "palette-classic-by-name"},
            {
                "drawStyle": "line",
                "lineWidth": 2,
                "fillOpacity": 0,
                "showPoints": "never",
                "spanNulls": False,
                **(custom or {}),
            },
        ),
        overrides=(*colours_of_accounts(), *look.overrides),
        empty=look.empty,
        interval=interval_of(targets),
    )


def table(  # noqa: PLR0913 - what there is to say of a table
    title: str,
    description: str,
    width: int,
    targets: Sequence[Target],
    look: FieldOptions,
    *,
    columns: Mapping[str, str],
    sorted_by: str,
    name_label: str = "column",
    hidden: Sequence[str] = (),
    are_cells_filled: bool = False,
) -> Panel:
    """Return a table whose rows are joined from series.

    Every query names its column by the label `name_label`; all other labels are columns too.
    `columns` has the title of each, in order. What is `hidden` is there to sort by. Filled
    cells have their value's colour behind it.
    """
    exclude: dict[str, Value] = dict.fromkeys(["Time", *hidden], True)
    order: dict[str, Value] = {name: place for place, name in enumerate(columns)}
    return Panel(
        kind="table",
        title=title,
        description=description,
        width=width,
        targets=tuple(replace(target, is_instant=True) for target in targets),
        options={"cellHeight": "sm", "showHeader": True},
        defaults=look.defaults(
            {"mode": "thresholds"},
            {
                "align": "center" if are_cells_filled else "auto",
                "cellOptions": FILLED if are_cells_filled else PLAIN,
                "inspect": False,
            },
        ),
        overrides=tuple(look.overrides),
        empty=look.empty,
        interval=interval_of(targets),
        transformations=(
            {"id": "labelsToFields", "options": {"mode": "columns", "valueLabel": name_label}},
            {"id": "merge", "options": {}},
            {"id": "sortBy", "options": {"sort": [{"field": sorted_by, "desc": False}]}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": exclude,
                    "indexByName": order,
                    "renameByName": dict(columns),
                },
            },
        ),
    )
