"""Notifications that get nowhere: another receiver is told, and a drill fails."""

import re
from pathlib import Path

import pytest

from tests.e2e.alerting import alerting, missing_tool, until
from tests.e2e.receiver import receiving
from tests.process.running import EXPORTER, FREE_PORT, Running

pytestmark = pytest.mark.skipif(
    missing_tool() is not None, reason=f"Debian's package {missing_tool()} is missing"
)

_FACTOR = 15.0


def test_other_receivers_are_told_that_one_does_not_get_its_notifications(tmp_path: Path) -> None:
    # Without an exporter there is something to page, which cannot be delivered.
    with receiving() as receiver, alerting(tmp_path, _FACTOR, receiver.url, dead="page"):

        def channels() -> set[str]:
            told = [each for each in receiver.told if each.alert.endswith("NotificationsFailing")]
            return {each.channel for each in told if each.labels["integration"] == "webhook"}

        until(lambda: channels() >= {"ticket", "note"}, "both other receivers are told", 90.0)

    assert "page" not in {each.channel for each in receiver.told}


def test_drill_names_the_integration_that_does_not_deliver(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        alerting(tmp_path, _FACTOR, receiver.url, dead="heartbeat") as servers,
        Running(
            [
                *EXPORTER,
                "drill",
                f"--prometheus.url={servers.prometheus_url}",
                f"--alertmanager.url={servers.alertmanager_url}",
                f"--targets-folder={servers.targets_folder}",
                # Too little for the first alert: what fails until then is the heartbeat alone.
                "--patience=15s",
                FREE_PORT,
            ],
            {},
        ) as running,
    ):
        until(lambda: "In earnest" in running.stdout, "the drill's verdict", 90.0)
        ended = running.end()

    assert ended.code == 1
    assert re.search(
        r"Alertmanager could not deliver \d+ of \d+ by webhook; its log names", running.stdout
    )
