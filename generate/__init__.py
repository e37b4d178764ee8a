"""Everything that is generated, by `make generate`: references, dashboards, rules and copies."""

from collections.abc import Mapping
from pathlib import Path

from deploy.alerts.record import DEFAULT_LINKS, Links
from generate import bundle
from generate.chart import README as CHART_README
from generate.chart import chart_readme
from generate.configuration import configuration_page
from generate.metrics import metrics_page
from grafana.generate import alerting_files, dashboard_files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

# What is in them is generated, so a file without a source is to go.
FOLDERS = (ROOT / "grafana" / "dashboards", *bundle.FOLDERS)


def generated(links: Links = DEFAULT_LINKS) -> Mapping[Path, str]:
    """Return the text of every generated file, by its path; `links` are those of alerts."""
    dashboards = dashboard_files()
    return {
        DOCS / "metrics.md": metrics_page(),
        DOCS / "configuration.md": configuration_page(),
        CHART_README: chart_readme(),
        **dashboards,
        **alerting_files(links),
        **bundle.files({path.name: text for path, text in dashboards.items()}, links),
    }


def leftovers(files: Mapping[Path, str]) -> set[Path]:
    """Return the files in generated folders that are not among `files`."""
    there = {path for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    return there - files.keys()
