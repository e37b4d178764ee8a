import math
import resource
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client import ProcessCollector as ClientsCollector

from exporter.process_stat import ProcessCollector


def shape(metrics: list[Metric]) -> list[tuple[str, str, str, list[str]]]:
    return [
        (each.name, each.documentation, each.type, [sample.name for sample in each.samples])
        for each in metrics
    ]


def values(metrics: list[Metric]) -> dict[str, float]:
    return {sample.name: sample.value for each in metrics for sample in each.samples}


def test_families_are_those_of_prometheus_client() -> None:
    clients = list(ClientsCollector(registry=None).collect())

    assert shape(ProcessCollector().collect()) == shape(clients)


def test_values_are_those_of_prometheus_client() -> None:
    clients = values(list(ClientsCollector(registry=None).collect()))

    ours = values(ProcessCollector().collect())

    assert ours == pytest.approx(clients, rel=0.2)
    assert ours["process_start_time_seconds"] == clients["process_start_time_seconds"]
    assert ours["process_max_fds"] == clients["process_max_fds"]
    assert ours["process_open_fds"] == clients["process_open_fds"]


def test_fields_are_counted_from_the_end_of_a_name_that_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1700000000\n")
    (tmp_path / "self" / "fd").mkdir(parents=True)
    numbers = " ".join(str(number) for number in range(4, 53))
    (tmp_path / "self" / "stat").write_text(f"1 (any) S) name) S {numbers}\n")

    found = values(ProcessCollector(tmp_path).collect())

    ticks = 100
    assert found["process_cpu_seconds_total"] == (14 + 15) / ticks
    assert found["process_start_time_seconds"] == 1.7e9 + 22 / ticks
    assert found["process_virtual_memory_bytes"] == 23.0
    assert found["process_resident_memory_bytes"] == 24.0 * resource.getpagesize()
    assert found["process_open_fds"] == 0


def test_unlimited_descriptors_are_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)

    assert values(ProcessCollector().collect())["process_max_fds"] == math.inf


def test_where_there_is_no_proc_there_are_no_families(tmp_path: Path) -> None:
    assert ProcessCollector(tmp_path).collect() == []


def test_proc_that_hides_processes_gives_no_families(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("btime 1700000000\n")

    assert ProcessCollector(tmp_path).collect() == []
