"""The metric families of the exporter itself, as of the scrape.

What is about the process, Python and its garbage collector comes from prometheus-client.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
)

from exporter import __version__
from exporter.config.shards import ONLY_SHARD, Shard
from exporter.metrics.families import PREFIX, Family, one
from exporter.metrics.negotiation import Format
from exporter.metrics.text import family_lines, header, written_by_client

_PYTHON_VERSION = platform.python_version()


@dataclass(slots=True)
class ExporterStatus:
    """What the exporter reports about itself. `is_exposed` is called at each scrape."""

    is_exposed: Callable[[], bool] = lambda: False
    shard: Shard = ONLY_SHARD
    is_config_good: bool = True
    config_timestamp_seconds: float = 0.0
    refused_timestamp_seconds: float | None = None

    def loaded(self, timestamp_seconds: float) -> None:
        """Note that a configuration was loaded successfully, at this unix time."""
        self.is_config_good, self.config_timestamp_seconds = True, timestamp_seconds
        self.refused_timestamp_seconds = None

    def refused(self, timestamp_seconds: float) -> None:
        """Note that a reload failed at this unix time; the first failure in a row counts."""
        self.is_config_good = False
        if self.refused_timestamp_seconds is None:
            self.refused_timestamp_seconds = timestamp_seconds


EXPORTER_FAMILIES: tuple[Family[ExporterStatus], ...] = (
    Family(
        f"{PREFIX}exporter_build_info",
        "1",
        "Version of the exporter and of Python; always 1.",
        ("python_version", "version"),
        lambda _: one(1, _PYTHON_VERSION, __version__),
    ),
    Family(
        f"{PREFIX}exporter_config_last_reload_successful",
        "0 or 1",
        "Whether the last attempt to load the configuration succeeded.",
        (),
        lambda status: one(int(status.is_config_good)),
    ),
    Family(
        f"{PREFIX}exporter_config_last_reload_success_timestamp_seconds",
        "Unix time in seconds",
        "Unix time at which the current configuration was loaded.",
        (),
        lambda status: one(status.config_timestamp_seconds),
    ),
    Family(
        f"{PREFIX}exporter_shard_ordinal",
        "number",
        "Number of this shard, starting at 0.",
        (),
        lambda status: one(status.shard.number),
    ),
    Family(
        f"{PREFIX}exporter_shards",
        "count",
        "Number of shards that share the configured accounts.",
        (),
        lambda status: one(status.shard.total),
    ),
    Family(
        f"{PREFIX}exporter_exposed_without_auth",
        "0 or 1",
        "Whether other machines may reach the exporter without authentication.",
        (),
        lambda status: one(int(status.is_exposed())),
    ),
)


class _ProcessCollector(ProcessCollector):
    def collect(self) -> Iterable[Metric]:
        try:
            return super().collect()
        except ValueError:
            # A limit that is "unlimited" is not a number to it, and must not cost the page.
            return []


class ExporterMetrics:
    """Writes them whenever it is asked."""

    def __init__(self, status: ExporterStatus | None = None, proc: str = "/proc") -> None:
        self._status = status or ExporterStatus()
        self._runtime = CollectorRegistry()
        _ProcessCollector(registry=self._runtime, proc=proc)
        PlatformCollector(registry=self._runtime)
        GCCollector(registry=self._runtime)
        self._headers = {
            format_: [header(family, format_) for family in EXPORTER_FAMILIES] for format_ in Format
        }

    def text(self, format_: Format) -> bytes:
        """Return the lines of all families as of now."""
        parts: list[bytes] = []
        for family, introduction in zip(EXPORTER_FAMILIES, self._headers[format_], strict=True):
            parts += introduction, family_lines(family, self._status, "")
        return b"".join((*parts, written_by_client(self._runtime, format_)))
