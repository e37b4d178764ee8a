"""Places of rows and panels on a dashboard."""

from collections.abc import Iterable, Iterator, Sequence

from grafana.panels import Panel, Row
from grafana.values import Json

_ROW_HEIGHT = 1


def placed(rows: Iterable[Row]) -> Iterator[Json]:
    """Return rows and panels one below the other, numbered."""
    panel_id = 0
    y = 0
    for row in rows:
        panel_id += 1
        headline: Json = {
            "id": panel_id,
            "type": "row",
            "title": row.title,
            "collapsed": row.is_collapsed,
            "gridPos": {"x": 0, "y": y, "w": 24, "h": _ROW_HEIGHT},
        }
        y += _ROW_HEIGHT
        inside: list[Json] = []
        for height, panels in row.lines:
            inside += [
                panel.json(panel_id + number, x, y, height)
                for number, (x, panel) in enumerate(_side_by_side(panels), start=1)
            ]
            panel_id += len(panels)
            y += height
        yield {**headline, "panels": inside if row.is_collapsed else []}
        yield from [] if row.is_collapsed else inside


def _side_by_side(panels: Sequence[Panel]) -> Iterator[tuple[int, Panel]]:
    x = 0
    for panel in panels:
        yield x, panel
        x += panel.width
