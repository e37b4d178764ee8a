"""CPU, memory and descriptors of this process, as all exporters tell them.

prometheus-client's own collector gives the same, but has the kernel write a table of all limits at
each scrape, and fails where the number of descriptors is unlimited.
Source: proc(5), `/proc/pid/stat`.
"""

import math
import os
import resource
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STAT_BYTES = 4096
# Of what follows the name in brackets, which may hold anything.
_USER_TICKS, _SYSTEM_TICKS, _START_TICKS, _VIRTUAL_BYTES, _RESIDENT_PAGES = 11, 12, 19, 20, 21


class ProcessStat(NamedTuple):
    """CPU time, memory and descriptors, in what their names say; the start in unix time.

    `max_fds` is infinite where there is no limit.
    """

    virtual_memory_bytes: float
    resident_memory_bytes: float
    start_time_seconds: float
    cpu_seconds: float
    open_fds: float
    max_fds: float


class StatReader:
    """Reads `/proc` whenever it is called."""

    def __init__(self, proc: Path = _PROC) -> None:
        self._boot_seconds = _boot_seconds(proc / "stat")
        self._stat = str(proc / "self" / "stat")
        self._descriptors = str(proc / "self" / "fd")

    def __call__(self) -> ProcessStat | None:
        """Give what is so now; None where there is no such file, or one may not read it."""
        if self._boot_seconds is None:
            return None
        try:
            fields = _read(self._stat).rpartition(b")")[2].split()
            open_fds = len(os.listdir(self._descriptors))  # noqa: PTH208 - half the time of a Path's
        except OSError:
            return None
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return ProcessStat(
            virtual_memory_bytes=int(fields[_VIRTUAL_BYTES]),
            resident_memory_bytes=int(fields[_RESIDENT_PAGES]) * resource.getpagesize(),
            start_time_seconds=self._boot_seconds + int(fields[_START_TICKS]) / _TICKS_PER_SECOND,
            cpu_seconds=(int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_SECOND,
            open_fds=open_fds,
            max_fds=math.inf if limit == resource.RLIM_INFINITY else limit,
        )


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
