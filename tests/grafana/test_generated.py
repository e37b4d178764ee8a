"""Where panels are placed, and which kinds there are."""

import re
from pathlib import Path

import pytest

from grafana.generate import ROOT
from tests.grafana.shipped import DASHBOARDS, PANELS, dashboard, panels_of

# What the picture of a dashboard can show; others would have to be believed.
DRAWN = {"timeseries", "stat", "table", "bargauge"}

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


@each_dashboard
def test_no_two_panels_cover_each_other(path: Path) -> None:
    cells = [
        (x, y)
        for panel in panels_of(dashboard(path))
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))


@each_dashboard
def test_every_line_is_as_wide_as_the_page(path: Path) -> None:
    widths: dict[int, int] = {}
    for panel in panels_of(dashboard(path)):
        place = panel["gridPos"]
        widths[place["y"]] = widths.get(place["y"], 0) + place["w"]

    assert set(widths.values()) == {24}


@each_dashboard
def test_numbers_of_panels_and_rows_are_unique(path: Path) -> None:
    document = dashboard(path)
    rows = [row["id"] for row in document["panels"] if row["type"] == "row"]
    numbers = rows + [panel["id"] for panel in panels_of(document)]

    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_pictures_of_the_readme_are_there_and_small() -> None:
    repository = ROOT.parent
    named = re.findall(r"docs/images/[a-z-]+\.png", (repository / "README.md").read_text())
    there = (repository / "docs" / "images").glob("*.png")

    assert {repository / name for name in named} == set(there)
    assert [name for name in named if (repository / name).stat().st_size > 300_000] == []


def test_panels_are_of_kinds_that_pictures_show() -> None:
    assert {panel["type"] for _, panel in PANELS} <= DRAWN
