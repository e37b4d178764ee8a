"""A drill that cannot bring every alert is refused by what a real Prometheus says of itself."""

import re
from pathlib import Path

import pytest

from exporter.cli.drill_watchers import EXPECTED_ALERTS
from tests.e2e.alerting import Alerting, alerting, missing_tool
from tests.process.running import EXPORTER, FREE_PORT, Running

pytestmark = pytest.mark.skipif(
    missing_tool() is not None, reason=f"Debian's package {missing_tool()} is missing"
)

_NOBODY = "http://127.0.0.1:9/"


def drill(servers: Alerting) -> Running:
    """Start a drill against both servers."""
    return Running(
        [
            *EXPORTER,
            "drill",
            f"--prometheus.url={servers.prometheus_url}",
            f"--alertmanager.url={servers.alertmanager_url}",
            f"--targets-folder={servers.targets_folder}",
            FREE_PORT,
        ],
        {},
    )


def test_every_missing_rule_is_named(tmp_path: Path) -> None:
    def renamed(rules: str) -> str:
        return re.sub(r"alert: BitoproMargin(Ratio|Not|LiquidationI)", r"alert: Our\1", rules)

    with (
        alerting(tmp_path, 15.0, _NOBODY, change_rules=renamed) as servers,
        drill(servers) as running,
    ):
        ended = running.end()
        left = list(servers.targets_folder.iterdir())

    assert ended.code == 1
    named = re.findall(r"has loaded no rule (\w+);", running.stderr)
    assert named == list(EXPECTED_ALERTS)
    assert left == []


def test_prometheus_without_alertmanager_is_named(tmp_path: Path) -> None:
    with (
        alerting(tmp_path, 15.0, _NOBODY, is_connected=False) as servers,
        drill(servers) as running,
    ):
        ended = running.end()

    assert ended.code == 1
    assert "Prometheus sends alerts to no Alertmanager" in running.stderr
