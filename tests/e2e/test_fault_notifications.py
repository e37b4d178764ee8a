"""Every fault is told, and no all-clear is given while it lasts."""

import pytest

from exporter.cli.drill_watchers import EXPECTED_ALERTS
from tests.e2e.drill_stages import HEALTHY, FaultRuns
from tests.e2e.faults import FAULTS

_CHANNELS = {"critical": "page", "warning": "ticket", "info": "note", "none": "heartbeat"}

each_fault = pytest.mark.parametrize("title", [each.title for each in FAULTS])


@each_fault
def test_fault_is_told(runs: FaultRuns, title: str) -> None:
    assert runs.outcomes[title].told is not None


@each_fault
def test_no_alert_of_it_goes_away_while_it_lasts(runs: FaultRuns, title: str) -> None:
    assert runs.outcomes[title].lost == ()


@each_fault
def test_nothing_is_told_to_be_over_while_it_lasts(runs: FaultRuns, title: str) -> None:
    assert runs.outcomes[title].cleared == ()


@each_fault
def test_its_end_is_told(runs: FaultRuns, title: str) -> None:
    assert runs.outcomes[title].resolved_seconds is not None


def test_nothing_is_told_of_a_healthy_account(runs: FaultRuns) -> None:
    assert [each for each in runs.told if each.labels.get("account") == HEALTHY] == []


def test_everything_is_told_to_whom_its_severity_concerns(runs: FaultRuns) -> None:
    assert [each for each in runs.told if each.channel != _CHANNELS[each.labels["severity"]]] == []


def test_drill_beside_the_faults_passes(runs: FaultRuns) -> None:
    assert runs.drill.code == 0, runs.drill_text


def test_drill_leaves_nothing_behind(runs: FaultRuns) -> None:
    assert runs.left == []


def test_what_is_told_of_the_drill_is_told_by_its_account(runs: FaultRuns) -> None:
    of_drill = {each.alert for each in runs.told if each.labels.get("account") == "drill"}

    assert set(EXPECTED_ALERTS) <= of_drill
