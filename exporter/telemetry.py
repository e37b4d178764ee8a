"""Families about this process: build, CPU, memory, descriptors, garbage collection.

They are read at scrape time, in a registry of our own, so that nothing an imported library
registers can reach the page.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector
from prometheus_client.core import GaugeMetricFamily

from exporter import __version__
from exporter.process_stat import ProcessCollector
from exporter.shards import ONLY_SHARD, Shard


@dataclass(slots=True)
class ExporterStatus:
    """What the exporter tells of itself. `is_exposed` is asked at each scrape."""

    is_exposed: Callable[[], bool] = lambda: False
    shard: Shard = ONLY_SHARD
    is_config_good: bool = True
    config_timestamp_seconds: float = 0.0

    def loaded(self, timestamp_seconds: float) -> None:
        """Note that a configuration was loaded well, at this unix time."""
        self.is_config_good, self.config_timestamp_seconds = True, timestamp_seconds


class _BuildInfo:
    """The version of the exporter and of Python, as labels of a constant 1."""

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "bitopro_margin_exporter_build_info",
            "Version of the exporter and of the Python that runs it; always 1.",
            labels=("version", "python_version"),
        )
        family.add_metric((__version__, platform.python_version()), 1)
        return [family]

    describe = collect


class _ConfigLoaded:
    """Whether and when the configuration was loaded; named as Prometheus names its own."""

    def __init__(self, status: ExporterStatus) -> None:
        self._status = status

    def collect(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "bitopro_margin_exporter_config_last_reload_successful",
                "Whether the last attempt to load the configuration succeeded.",
                value=int(self._status.is_config_good),
            ),
            GaugeMetricFamily(
                "bitopro_margin_exporter_config_last_reload_success_timestamp_seconds",
                "Unix time at which the running configuration was loaded.",
                value=self._status.config_timestamp_seconds,
            ),
        ]

    describe = collect


class _Own:
    """Families of the status."""

    def __init__(self, status: ExporterStatus) -> None:
        self._status = status

    def collect(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(
                "bitopro_margin_exporter_shard_ordinal",
                "Number of this shard, counted from 0.",
                value=self._status.shard.number,
            ),
            GaugeMetricFamily(
                "bitopro_margin_exporter_shards",
                "Number of shards that share the configured accounts.",
                value=self._status.shard.total,
            ),
            GaugeMetricFamily(
                "bitopro_margin_exporter_exposed_without_auth",
                "Whether other machines may reach the pages without proving who they are.",
                value=int(self._status.is_exposed()),
            ),
        ]

    describe = collect


def process_registry(
    config_loaded_timestamp_seconds: float, status: ExporterStatus | None = None
) -> CollectorRegistry:
    """Give a registry of the families about this process."""
    registry = CollectorRegistry()
    registry.register(_BuildInfo())
    told = status or ExporterStatus()
    told.loaded(config_loaded_timestamp_seconds)
    registry.register(_ConfigLoaded(told))
    registry.register(_Own(told))
    registry.register(ProcessCollector())
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
