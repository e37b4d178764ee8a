"""What the exporter knows of itself: version, configuration, process, garbage collection.

It is read at each scrape. The families `process_` and `python_` are those of prometheus-client.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.configuration.shards import ONLY_SHARD, Shard
from exporter.page.process_stat import ProcessStat, StatReader


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


class Telemetry(NamedTuple):
    """What is known at one scrape. `stat` is None where the system does not tell.

    `garbage` has the counts of `gc.get_stats`, for each generation of objects.
    """

    is_config_good: bool
    config_timestamp_seconds: float
    shard: Shard
    is_exposed: bool
    stat: ProcessStat | None
    garbage: Sequence[Mapping[str, int]]


class TelemetryReader:
    """Reads it whenever it is called."""

    def __init__(self, status: ExporterStatus | None = None) -> None:
        self._status = status or ExporterStatus()
        self._read_stat = StatReader()

    def __call__(self) -> Telemetry:
        """Give what is so now."""
        return Telemetry(
            self._status.is_config_good,
            self._status.config_timestamp_seconds,
            self._status.shard,
            self._status.is_exposed(),
            self._read_stat(),
            gc.get_stats(),
        )
