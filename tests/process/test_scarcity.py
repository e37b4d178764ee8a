"""Few descriptors, and output that is not being read."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.process.conftest import Starter
from tests.process.running import (
    BROKEN,
    EXPORTER,
    FREE_PORT,
    Running,
    environment,
    page_showing,
    scrape,
    until,
)

DESCRIPTORS = 64
WITH_FEW_DESCRIPTORS = ("sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh")
LINES = 5000
LOG_LINES = f"""
import logging, sys
from exporter.logs import LogWriter
writer = LogWriter("info", "logfmt")
for _ in range({LINES}):
    logging.info("a line")
print("done", flush=True)
sys.stdin.readline()
writer.close()
"""


def test_works_with_few_descriptors_through_failures_and_scrapes(
    start: Starter, simulator: Simulator
) -> None:
    exporter = start(before=WITH_FEW_DESCRIPTORS, command=(*BROKEN, "quick-backoff"), accounts=4)
    address = exporter.address()

    simulator.fault = "reset-in-body"
    with ThreadPoolExecutor(8) as scrapers:
        list(scrapers.map(scrape, [address] * 100))
    exporter.shows('polls_total{account="account-4"}', 2)
    simulator.fault = None
    exporter.shows('up{account="account-4"}', 1)

    assert len(list(Path(f"/proc/{exporter.pid}/fd").iterdir())) < DESCRIPTORS / 2


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe that takes not a byte more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(512))
    os.set_blocking(writer, True)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def test_polls_and_scrapes_go_on_and_it_ends_well_though_nobody_reads(
    simulator: Simulator, full_pipe: tuple[int, int]
) -> None:
    simulator.fault = "status-500"
    port = _free_port()
    command = [*BROKEN, "quick-backoff", f"--web.listen-address=127.0.0.1:{port}"]
    variables = environment(simulator.base_url)
    writer = full_pipe[1]

    with Running([*command, "--log.level=debug"], variables, writer, writer) as exporter:
        until(lambda: _is_listening(port), "it listens")
        page_showing(f"http://127.0.0.1:{port}", 'polls_total{account="default"}', 5)
        code, seconds = exporter.end_by(signal.SIGTERM)

    assert code == 0
    assert seconds < 3


def _is_listening(port: int) -> bool:
    # Not by connecting, for a connection to a port where nothing listens may reach itself.
    return f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text(encoding="ascii")


def test_dead_poller_is_a_dead_process_though_nobody_reads(
    simulator: Simulator, full_pipe: tuple[int, int]
) -> None:
    simulator.fault = "label-unknown"
    command = [*BROKEN, "exception", FREE_PORT]

    with Running(command, environment(simulator.base_url), stderr=full_pipe[1]) as exporter:
        ended = exporter.end()

    assert ended.code == 70
    assert ended.at - float(exporter.stdout) < 1


def test_dropped_log_lines_are_counted_once_somebody_reads(full_pipe: tuple[int, int]) -> None:
    reader, writer = full_pipe
    with subprocess.Popen(
        [sys.executable, "-c", LOG_LINES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
    ) as logging:
        assert logging.stdout is not None
        assert logging.stdout.readline() == "done\n"
        os.set_blocking(reader, False)
        log = ""

        def dropped() -> re.Match[str] | None:
            nonlocal log
            with suppress(BlockingIOError):
                log += os.read(reader, 1 << 16).decode()
            return re.search(
                r"msg=\"log lines dropped: stderr is not being read\" lines=(\d+)", log
            )

        told = until(dropped, "a count of dropped lines")
        logging.communicate("\n", timeout=10)
        with suppress(BlockingIOError):
            while part := os.read(reader, 1 << 16):
                log += part.decode()

    assert log.count('msg="a line"') + int(told[1]) == LINES


def test_list_whose_reader_left_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with Running([*EXPORTER, "simulate", "--fault-list"], {}, stdout=writer) as listing:
            ended = listing.end()
    finally:
        os.close(writer)

    assert ended.code == 0
    assert listing.stderr == ""


def test_demo_runs_without_standard_output(start: Starter) -> None:
    demo = start(before=("sh", "-c", 'exec "$@" >&-', "sh"), command=(*EXPORTER, "demo"))

    demo.logged("first poll succeeded")

    assert demo.end_by(signal.SIGTERM)[0] == 0


def test_demo_runs_without_standard_error(start: Starter) -> None:
    demo = start(before=("sh", "-c", 'exec "$@" 2>&-', "sh"), command=(*EXPORTER, "demo"))

    address = demo.printed(r"status +(\S+)/")[1]
    page_showing(address, 'up{account="demo-1"}', 1)

    assert demo.end_by(signal.SIGTERM)[0] == 0
