"""CPU, memory and descriptors of this process, under the names that all exporters use.

prometheus-client's own collector gives the same, but has the kernel write a table of all limits at
each scrape, and fails where the number of descriptors is unlimited.
Source: proc(5), `/proc/pid/stat`.
"""

import math
import os
import resource
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STAT_BYTES = 4096
# Of what follows the name in brackets, which may hold anything.
_USER_TICKS, _SYSTEM_TICKS, _START_TICKS, _VIRTUAL_BYTES, _RESIDENT_PAGES = 11, 12, 19, 20, 21


class ProcessCollector:
    """Reads `/proc` at each scrape; gives nothing where there is none."""

    def __init__(self, proc: Path = _PROC) -> None:
        self._boot_seconds = _boot_seconds(proc / "stat")
        self._stat = str(proc / "self" / "stat")
        self._descriptors = str(proc / "self" / "fd")

    def collect(self) -> list[Metric]:
        """Give what can be read."""
        if self._boot_seconds is None:
            return []
        try:
            return [*self._of_stat(self._boot_seconds), *self._of_descriptors()]
        except OSError:
            return []

    describe = collect

    def _of_stat(self, boot_seconds: float) -> list[Metric]:
        fields = _read(self._stat).rpartition(b")")[2].split()
        start_seconds = int(fields[_START_TICKS]) / _TICKS_PER_SECOND
        cpu_ticks = int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
        return [
            GaugeMetricFamily(
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
                float(fields[_VIRTUAL_BYTES]),
            ),
            GaugeMetricFamily(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                float(fields[_RESIDENT_PAGES]) * resource.getpagesize(),
            ),
            GaugeMetricFamily(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                boot_seconds + start_seconds,
            ),
            CounterMetricFamily(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                cpu_ticks / _TICKS_PER_SECOND,
            ),
        ]

    def _of_descriptors(self) -> list[Metric]:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return [
            GaugeMetricFamily(
                "process_open_fds",
                "Number of open file descriptors.",
                len(os.listdir(self._descriptors)),  # noqa: PTH208 - half the time of a Path's
            ),
            GaugeMetricFamily(
                "process_max_fds",
                "Maximum number of open file descriptors.",
                math.inf if limit == resource.RLIM_INFINITY else limit,
            ),
        ]


def _read(path: str) -> bytes:
    """Read a short file without a buffer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _STAT_BYTES)
    finally:
        os.close(descriptor)


def _boot_seconds(path: Path) -> float | None:
    """Give the unix time at which the machine was started."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), None)
