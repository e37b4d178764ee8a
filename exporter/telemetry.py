"""Families about this process: build, CPU, memory, descriptors, garbage collection.

They are read at scrape time by prometheus-client's own collectors, in a registry of our own, so
that nothing an imported library registers can reach the page.
"""

import platform

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily

from exporter import __version__


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


def process_registry() -> CollectorRegistry:
    """Give a registry of the families about this process."""
    registry = CollectorRegistry()
    registry.register(_BuildInfo())
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
