"""The metric families of the exporter itself: one row each, as of the scrape."""

import platform
from collections.abc import Callable

from exporter import __version__
from exporter.page.family import NO_SAMPLES, PREFIX, Family, Kind, Part, Samples, each, one
from exporter.page.process_stat import ProcessStat
from exporter.page.telemetry import Telemetry

_PYTHON_VERSION = platform.python_version()
_PYTHON_INFO = (platform.python_implementation(), *platform.python_version_tuple(), _PYTHON_VERSION)

# What is true as long as the process lives.
_CONSTANT: Part[Telemetry] = Part(lambda _: None)
_PRESENT: Part[Telemetry] = Part(lambda telemetry: telemetry)


def _of_self(  # noqa: PLR0913 - the columns of the table
    name: str,
    help_: str,
    read: Callable[[Telemetry], Samples],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
    *,
    part: Part[Telemetry] = _PRESENT,
) -> Family[Telemetry]:
    return Family(name, kind, help_, labels, read, lambda _: (), part)


def _of_process(
    name: str, help_: str, read: Callable[[ProcessStat], float], kind: Kind = "gauge"
) -> Family[Telemetry]:
    def read_telemetry(telemetry: Telemetry) -> Samples:
        return NO_SAMPLES if telemetry.stat is None else one(read(telemetry.stat))

    return _of_self(f"process_{name}", help_, read_telemetry, kind=kind)


def _of_garbage(name: str, help_: str, count: str) -> Family[Telemetry]:
    def read_telemetry(telemetry: Telemetry) -> Samples:
        return each({str(number): of[count] for number, of in enumerate(telemetry.garbage)})

    return _of_self(f"python_gc_{name}_total", help_, read_telemetry, ("generation",), "counter")


TELEMETRY_FAMILIES: tuple[Family[Telemetry], ...] = (
    _of_self(
        f"{PREFIX}exporter_build_info",
        "Version of the exporter and of the Python that runs it; always 1.",
        lambda _: one(1, _PYTHON_VERSION, __version__),
        ("python_version", "version"),
        part=_CONSTANT,
    ),
    _of_self(
        f"{PREFIX}exporter_config_last_reload_successful",
        "Whether the last attempt to load the configuration succeeded.",
        lambda telemetry: one(int(telemetry.is_config_good)),
    ),
    _of_self(
        f"{PREFIX}exporter_config_last_reload_success_timestamp_seconds",
        "Unix time at which the running configuration was loaded.",
        lambda telemetry: one(telemetry.config_timestamp_seconds),
    ),
    _of_self(
        f"{PREFIX}exporter_shard_ordinal",
        "Number of this shard, counted from 0.",
        lambda telemetry: one(telemetry.shard.number),
    ),
    _of_self(
        f"{PREFIX}exporter_shards",
        "Number of shards that share the configured accounts.",
        lambda telemetry: one(telemetry.shard.total),
    ),
    _of_self(
        f"{PREFIX}exporter_exposed_without_auth",
        "Whether other machines may reach the pages without proving who they are.",
        lambda telemetry: one(int(telemetry.is_exposed)),
    ),
    _of_process(
        "virtual_memory_bytes",
        "Virtual memory size in bytes.",
        lambda stat: stat.virtual_memory_bytes,
    ),
    _of_process(
        "resident_memory_bytes",
        "Resident memory size in bytes.",
        lambda stat: stat.resident_memory_bytes,
    ),
    _of_process(
        "start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        lambda stat: stat.start_time_seconds,
    ),
    _of_process(
        "cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        lambda stat: stat.cpu_seconds,
        "counter",
    ),
    _of_process("open_fds", "Number of open file descriptors.", lambda stat: stat.open_fds),
    _of_process("max_fds", "Maximum number of open file descriptors.", lambda stat: stat.max_fds),
    _of_self(
        "python_info",
        "Python platform information",
        lambda _: one(1, *_PYTHON_INFO),
        ("implementation", "major", "minor", "patchlevel", "version"),
        part=_CONSTANT,
    ),
    _of_garbage("objects_collected", "Objects collected during gc", "collected"),
    _of_garbage("objects_uncollectable", "Uncollectable objects found during GC", "uncollectable"),
    _of_garbage("collections", "Number of times this generation was collected", "collections"),
)
