"""What the shipped alert chain costs a Prometheus: series, samples and CPU, by interval."""

import os
import re
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_seconds, python, running
from tests.e2e.alerting import Alerting, alerting, missing_tool, until

# As shipped, and as many have it.
_INTERVALS_SECONDS = (5, 15)
# Sleeping is the measurement: CPU and samples of a stretch in which nothing is done but the chain's
# own work, after the start of Prometheus has been digested.
_SETTLE_SECONDS = 45.0
_MEASURED_SECONDS = 60.0
_START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Row:
    """One Prometheus with the shipped rules, which also scrapes itself and Alertmanager."""

    accounts: int
    interval_seconds: int
    series: float
    samples_per_second: float
    cpu_ms_per_second: float


def measure(accounts: int) -> list[Row]:
    """Watch it for a minute at each interval. Empty where a program is missing."""
    if missing_tool():
        return []
    return [_measured(accounts, seconds) for seconds in _INTERVALS_SECONDS]


def _measured(accounts: int, interval_seconds: int) -> Row:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(python("ours", accounts)) as ours,
        alerting(Path(folder), 1.0, "http://127.0.0.1:9/", [f"127.0.0.1:{ours.port}"]) as servers,
    ):
        _slow_down(servers, interval_seconds)
        until(lambda: servers.query("ALERTS"), "rules are evaluated", _START_SECONDS)
        time.sleep(_SETTLE_SECONDS)
        cpu, samples, started = _now(servers)
        time.sleep(_MEASURED_SECONDS)
        later_cpu, later_samples, ended = _now(servers)
        (series,) = servers.query("sum(prometheus_tsdb_head_series)")
    elapsed = ended - started
    return Row(
        accounts,
        interval_seconds,
        float(series["value"][1]),
        (later_samples - samples) / elapsed,
        1e3 * (later_cpu - cpu) / elapsed,
    )


def _slow_down(servers: Alerting, interval_seconds: int) -> None:
    path = servers.folder / "prometheus" / "prometheus.yml"
    shipped = re.compile(r"^(\s*(?:scrape|evaluation)_interval: )\d+s", re.MULTILINE)
    text, count = shipped.subn(rf"\g<1>{interval_seconds}s", path.read_text())
    if not count:
        raise ValueError(f"{path}: no interval is there to change")
    path.write_text(text)
    os.kill(servers.prometheus_pid, signal.SIGHUP)


def _now(servers: Alerting) -> tuple[float, float, float]:
    (samples,) = servers.query("sum(prometheus_tsdb_head_samples_appended_total)")
    return cpu_seconds(servers.prometheus_pid), float(samples["value"][1]), time.monotonic()
