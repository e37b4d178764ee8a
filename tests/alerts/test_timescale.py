"""What the end-to-end tests change of the shipped rules: times, and nothing without notice."""

import subprocess
from pathlib import Path

import pytest

from tests.alerts.deployment import RULE_FILES, rules_of
from tests.e2e import timescale

_RULE = "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    "


@pytest.mark.parametrize(
    ("shipped", "hurried"),
    [
        ("max_over_time(a[15m]) > 0.9", "max_over_time(a[60000ms]) > 0.9"),
        ("a offset 1d", "a offset 5760000ms"),
        ("last_over_time(a[5m] offset 30m)", "last_over_time(a[20000ms] offset 120000ms)"),
        ("predict_linear(a[1h], 4 * 3600)", "predict_linear(a[240000ms], 4 * 240)"),
        (
            "time() - max(bitopro_margin_last_change_timestamp_seconds) > 1800",
            "time() - max(bitopro_margin_last_change_timestamp_seconds) > 120",
        ),
        ("time() - max(a) < 3600", "time() - max(a) < 240"),
        ("time() - max(b offset 1h) > 900", "time() - max(b offset 240000ms) > 900"),
        ("bitopro_margin_ad_ratio:exact < 100", "bitopro_margin_ad_ratio:exact < 100"),
        ("predict_linear(a[5m], 0.25 * 3600)", "predict_linear(a[20000ms], 0.25 * 240)"),
    ],
)
def test_expression_in_a_hurry(shipped: str, hurried: str) -> None:
    assert timescale.expression(shipped, 15.0) == hurried


@pytest.mark.parametrize(
    "shipped", ["time() - a > 600", "a[5m:1m]", "a[5 m]", "a offset -5m", "a * 86400"]
)
def test_what_may_be_a_time_and_is_not_known_is_refused(shipped: str) -> None:
    with pytest.raises(timescale.HurryError):
        timescale.expression(shipped, 15.0)


@pytest.mark.parametrize("addition", ["for: 1m30s", "for: soon", "keep_firing: 5m"])
def test_rule_that_is_not_understood_is_refused(addition: str) -> None:
    with pytest.raises(timescale.HurryError):
        timescale.rules(f"{_RULE}{addition}\n", 15.0)


def test_group_with_an_interval_of_its_own_is_refused() -> None:
    with pytest.raises(timescale.HurryError, match="interval"):
        timescale.rules("groups:\n- name: a\n  interval: 1m\n  rules: []\n", 15.0)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_without_a_hurry_rules_stay_as_they_are(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    in_ms = timescale.rules(path.read_text(), 1.0)
    copy.write_text(in_ms)

    assert [each.name for each in rules_of(copy)] == [each.name for each in rules_of(path)]
    assert timescale.rules(in_ms, 1.0) == in_ms


def test_everything_shipped_is_understood(tmp_path: Path, promtool: str) -> None:
    timescale.write_all(
        tmp_path,
        15.0,
        exporters=["127.0.0.1:1"],
        prometheus="127.0.0.1:2",
        alertmanager="127.0.0.1:3",
        webhooks="http://127.0.0.1:4/",
    )

    config = tmp_path / "prometheus" / "prometheus.yml"
    check = subprocess.run([promtool, "check", "config", config], capture_output=True, check=False)

    assert check.returncode == 0, check.stderr
    assert "127.0.0.1:9095" not in (tmp_path / "alertmanager" / "alertmanager.yml").read_text()
