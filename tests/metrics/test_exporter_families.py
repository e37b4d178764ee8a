import platform
import re
from collections.abc import Callable, Iterable
from pathlib import Path

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
from exporter.config.shards import Shard
from exporter.metrics.exporter import EXPORTER_FAMILIES, ExporterMetrics, ExporterStatus
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.text import as_metric

STATUS = ExporterStatus(
    is_exposed=lambda: True,
    shard=Shard(2, 3),
    is_config_good=False,
    config_timestamp_seconds=1.7e9,
)


class Collected:
    """What prometheus-client is to write."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def page_of(metrics: ExporterMetrics, format_: Format = Format.TEXT) -> str:
    return Exposition(lambda: 0.0, metrics).page(format_).decode()


@pytest.mark.parametrize(
    ("format_", "written"),
    [(Format.TEXT, generate_latest), (Format.OPENMETRICS, openmetrics_latest)],
)
def test_families_of_the_exporter_are_what_prometheus_client_writes(
    format_: Format, written: Callable[[Collected], bytes]
) -> None:
    expected = written(Collected([as_metric(family, [STATUS]) for family in EXPORTER_FAMILIES]))

    page = page_of(ExporterMetrics(STATUS), format_)

    assert expected.decode().removesuffix("# EOF\n") in page
    assert page.count("# EOF\n") == (format_ is Format.OPENMETRICS)


@pytest.mark.parametrize(
    ("format_", "written"),
    [(Format.TEXT, generate_latest), (Format.OPENMETRICS, openmetrics_latest)],
)
def test_page_ends_with_process_and_python_as_prometheus_client_writes_them(
    format_: Format, written: Callable[[CollectorRegistry], bytes]
) -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)

    def without_values(page: str) -> str:
        return re.sub(r"^([^#].*) \S+$", r"\1", page, flags=re.MULTILINE)

    expected = without_values(written(registry).decode())
    page = without_values(page_of(ExporterMetrics(STATUS), format_))

    assert expected.count("# TYPE process_") >= 6
    assert page.endswith(expected)


def test_page_says_what_the_exporter_was_told() -> None:
    page = page_of(ExporterMetrics(STATUS)).splitlines()

    assert (
        f'bitopro_margin_exporter_build_info{{python_version="{platform.python_version()}",'
        f'version="{__version__}"}} 1.0'
    ) in page
    assert "bitopro_margin_exporter_config_last_reload_successful 0.0" in page
    assert "bitopro_margin_exporter_config_last_reload_success_timestamp_seconds 1.7e+09" in page
    assert "bitopro_margin_exporter_shard_ordinal 2.0" in page
    assert "bitopro_margin_exporter_shards 3.0" in page
    assert "bitopro_margin_exporter_exposed_without_auth 1.0" in page


def test_where_the_system_tells_nothing_of_the_process_the_page_does_not_either(
    tmp_path: Path,
) -> None:
    page = page_of(ExporterMetrics(STATUS, proc=str(tmp_path)))

    assert not [line for line in page.splitlines() if line.startswith("process_")]
    assert "bitopro_margin_exporter_shards 3.0" in page


def test_limit_that_is_no_number_costs_the_families_of_the_process_alone(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("btime 1700000000\n")
    process = tmp_path / "self"
    process.mkdir()
    (process / "stat").write_text(f"1 (python) {' '.join(['1'] * 50)}\n")
    (process / "limits").write_text("Max open files            unlimited  unlimited  files\n")

    page = page_of(ExporterMetrics(STATUS, proc=str(tmp_path)))

    assert "\nprocess_" not in page
    assert "bitopro_margin_exporter_shards 3.0" in page


def test_each_scrape_shows_what_is_so_then() -> None:
    status = ExporterStatus(is_config_good=False)
    exposition = Exposition(lambda: 0.0, ExporterMetrics(status))
    before = exposition.page(Format.TEXT)

    status.loaded(1.7e9)
    after = exposition.page(Format.TEXT)

    good = b"\nbitopro_margin_exporter_config_last_reload_successful "
    assert (good + b"0.0\n" in before, good + b"1.0\n" in after) == (True, True)
    assert b"\nbitopro_margin_exporter_config_last_reload_success_timestamp_seconds 1.7e+09\n" in (
        after
    )
