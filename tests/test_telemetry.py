import platform
from collections.abc import Callable, Iterable

import pytest
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest

from exporter import __version__
from exporter.configuration.shards import Shard
from exporter.page.exposition import Exposition
from exporter.page.headers import as_metric
from exporter.page.negotiation import Format
from exporter.page.telemetry import ExporterStatus, Telemetry, TelemetryReader
from exporter.page.telemetry_catalogue import TELEMETRY_FAMILIES

BIG = Telemetry(
    is_config_good=False,
    config_timestamp_seconds=1.7e9,
    shard=Shard(2, 3),
    is_exposed=True,
    stat=TelemetryReader()().stat,
    garbage=[{"collected": 12_345_678, "uncollectable": 0, "collections": 7}] * 3,
)


class Collected:
    """What prometheus-client is to write."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def page_of(telemetry: Telemetry) -> str:
    return Exposition(lambda: 0.0, lambda: telemetry).page(Format.TEXT).decode()


@pytest.mark.parametrize(
    ("format_", "written"),
    [(Format.TEXT, generate_latest), (Format.OPENMETRICS, openmetrics_latest)],
)
def test_page_ends_with_what_prometheus_client_writes(
    format_: Format, written: Callable[[Collected], bytes]
) -> None:
    page = Exposition(lambda: 0.0, lambda: BIG).page(format_)

    expected = Collected([as_metric(family, [BIG]) for family in TELEMETRY_FAMILIES])
    assert page.endswith(written(expected))


def test_families_of_process_and_python_are_those_of_prometheus_client() -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    ours = [as_metric(family, [BIG]) for family in TELEMETRY_FAMILIES]

    def shape(metrics: Iterable[Metric]) -> list[object]:
        return [
            (each.name, each.documentation, each.type, [s.labels for s in each.samples])
            for each in metrics
        ]

    assert shape(each for each in ours if not each.name.startswith("bitopro")) == shape(
        registry.collect()
    )


def test_page_says_what_the_exporter_was_told() -> None:
    page = page_of(BIG).splitlines()

    assert (
        f'bitopro_margin_exporter_build_info{{python_version="{platform.python_version()}",'
        f'version="{__version__}"}} 1.0'
    ) in page
    assert "bitopro_margin_exporter_config_last_reload_successful 0.0" in page
    assert "bitopro_margin_exporter_config_last_reload_success_timestamp_seconds 1.7e+09" in page
    assert "bitopro_margin_exporter_shard_ordinal 2.0" in page
    assert "bitopro_margin_exporter_shards 3.0" in page
    assert "bitopro_margin_exporter_exposed_without_auth 1.0" in page
    assert 'python_gc_objects_collected_total{generation="0"} 1.2345678e+07' in page


def test_where_the_system_tells_nothing_of_the_process_the_page_does_not_either() -> None:
    page = page_of(BIG._replace(stat=None))

    assert not [line for line in page.splitlines() if line.startswith("process_")]
    assert "bitopro_margin_exporter_shards 3.0" in page


def test_each_scrape_shows_what_is_so_then() -> None:
    status = ExporterStatus(is_config_good=False)
    exposition = Exposition(lambda: 0.0, TelemetryReader(status))
    before = exposition.page(Format.TEXT)

    status.loaded(1.7e9)
    after = exposition.page(Format.TEXT)

    good = b"\nbitopro_margin_exporter_config_last_reload_successful "
    assert (good + b"0.0\n" in before, good + b"1.0\n" in after) == (True, True)
    assert b"\nbitopro_margin_exporter_config_last_reload_success_timestamp_seconds 1.7e+09\n" in (
        after
    )
