import math
import resource
from pathlib import Path

import pytest
from prometheus_client import ProcessCollector

from exporter.page.process_stat import ProcessStat, StatReader


def test_values_are_those_of_prometheus_client() -> None:
    clients = {
        sample.name: sample.value
        for metric in ProcessCollector(registry=None).collect()
        for sample in metric.samples
    }

    stat = StatReader()()

    assert stat is not None
    assert stat == pytest.approx(
        ProcessStat(
            virtual_memory_bytes=clients["process_virtual_memory_bytes"],
            resident_memory_bytes=clients["process_resident_memory_bytes"],
            start_time_seconds=clients["process_start_time_seconds"],
            cpu_seconds=clients["process_cpu_seconds_total"],
            open_fds=clients["process_open_fds"],
            max_fds=clients["process_max_fds"],
        ),
        rel=0.2,
    )
    assert stat.start_time_seconds == clients["process_start_time_seconds"]
    assert stat.max_fds == clients["process_max_fds"]
    assert stat.open_fds == clients["process_open_fds"]


def test_fields_are_counted_from_the_end_of_a_name_that_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1700000000\n")
    (tmp_path / "self" / "fd").mkdir(parents=True)
    numbers = " ".join(str(number) for number in range(4, 53))
    (tmp_path / "self" / "stat").write_text(f"1 (any) S) name) S {numbers}\n")

    found = StatReader(tmp_path)()

    ticks = 100
    assert found is not None
    assert found._replace(max_fds=0) == ProcessStat(
        virtual_memory_bytes=23,
        resident_memory_bytes=24 * resource.getpagesize(),
        start_time_seconds=1.7e9 + 22 / ticks,
        cpu_seconds=(14 + 15) / ticks,
        open_fds=0,
        max_fds=0,
    )


def test_unlimited_descriptors_are_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY, resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)

    stat = StatReader()()

    assert stat is not None
    assert stat.max_fds == math.inf


def test_where_there_is_no_proc_nothing_is_known(tmp_path: Path) -> None:
    assert StatReader(tmp_path)() is None


def test_proc_that_hides_processes_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("btime 1700000000\n")

    assert StatReader(tmp_path)() is None
