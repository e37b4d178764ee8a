"""SIGTERM and SIGINT end the process well, in every phase of its life."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.simulator import Simulator
from tests.machine import slowdown
from tests.process.conftest import Starter
from tests.process.running import (
    BROKEN,
    EXPORTER,
    LARGE_PAGE,
    MANY,
    ROOT,
    Running,
    environment,
    slow_clients,
    until,
)

PROMISED_SECONDS = 3.0
UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def _assert_ends_well(
    exporter: Running, number: signal.Signals = signal.SIGTERM, pid: int | None = None
) -> None:
    code, seconds = exporter.end_by(number, pid)
    assert code == 0
    assert seconds < PROMISED_SECONDS * slowdown()


# One exporter after the other: two at a time would have one key, whose nonces they would spoil.
both_signals = pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"]
)


@both_signals
def test_ends_well_when_idle(start: Starter, number: signal.Signals) -> None:
    exporter = start()
    exporter.logged("first poll succeeded")

    _assert_ends_well(exporter, number)

    assert f"msg=stopping signal={number.name}" in exporter.stderr
    assert "poll failed" not in exporter.stderr


@both_signals
def test_ends_well_during_a_poll(
    start: Starter, simulator: Simulator, number: signal.Signals
) -> None:
    simulator.fault = "stall-in-body"
    requests_before = simulator.requests
    exporter = start(variables=environment(simulator.base_url, BITOPRO_POLL_INTERVAL="10s"))
    until(lambda: simulator.requests > requests_before, "it is in a poll")

    _assert_ends_well(exporter, number)


@both_signals
def test_ends_well_with_slow_clients(
    start: Starter, simulator: Simulator, number: signal.Signals
) -> None:
    simulator.fault = LARGE_PAGE
    exporter = start(accounts=MANY)
    exporter.shows(f'up{{account="account-{MANY}"}}', 1)

    with slow_clients(exporter.address()):
        _assert_ends_well(exporter, number)


@both_signals
def test_ends_well_as_soon_as_it_runs(start: Starter, number: signal.Signals) -> None:
    exporter = start()
    # Python has one for SIGINT from the start, which is not ours.
    until(lambda: exporter.handles(signal.SIGTERM), "a handler is in place")

    _assert_ends_well(exporter, number)
    assert exporter.stderr == ""


@both_signals
def test_ends_well_as_soon_as_it_listens(start: Starter, number: signal.Signals) -> None:
    exporter = start()
    exporter.address()

    _assert_ends_well(exporter, number)


def test_handler_is_in_place_before_the_heavy_imports() -> None:
    program = "import sys, exporter.__main__; print(*sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)

    assert "exporter.service.signals" in imported.split()
    assert {"asyncio", "exporter.cli.main", "httpx", "logging"}.isdisjoint(imported.split())


def test_run_imports_nothing_that_only_others_need() -> None:
    program = "import sys, exporter.cli.main, exporter.cli.run; print(*sys.modules)"
    imported = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)

    assert "exporter.service.process" in imported.split()
    assert {
        "bcrypt",
        "exporter.cli.once",
        "exporter.config.yaml_file",
        "exporter.cli.drill",
        "exporter.simulator",
        "yaml",
    }.isdisjoint(imported.split())


def test_ends_well_without_waiting_for_the_interpreter(start: Starter) -> None:
    exporter = start(command=(*BROKEN, "slow-end"))
    exporter.logged("first poll succeeded")

    _assert_ends_well(exporter)


def test_demo_ends_well(start: Starter) -> None:
    demo = start(command=(*EXPORTER, "demo"))
    demo.printed("metrics  http://")

    _assert_ends_well(demo, signal.SIGINT)


def test_ends_well_in_a_hung_name_lookup(start: Starter) -> None:
    variables = environment("https://exchange.test/v3")
    exporter = start(command=(*BROKEN, "hung-lookup"), variables=variables)
    exporter.printed("\n")

    _assert_ends_well(exporter)


def test_ends_well_though_its_loop_is_blocked(start: Starter, simulator: Simulator) -> None:
    simulator.fault = "label-unknown"
    exporter = start(command=(*BROKEN, "blocked-loop"))
    exporter.printed("\n")

    _assert_ends_well(exporter)


def test_second_signal_ends_it_at_once(start: Starter, simulator: Simulator) -> None:
    simulator.fault = "label-unknown"
    exporter = start(command=(*BROKEN, "blocked-loop"))
    exporter.printed("\n")
    exporter.send(signal.SIGINT)
    # Before that, two signals of a kind would be one.
    until(lambda: exporter.handles(signal.SIGALRM), "the first signal has been heard")

    code, seconds = exporter.end_by(signal.SIGINT)

    assert code == 0
    assert seconds < PROMISED_SECONDS / 3


@pytest.fixture
def unshare() -> tuple[str, ...]:
    """The command that runs another as process 1 of a container's kind."""
    if shutil.which(UNSHARE[0]) is None:
        pytest.skip("unshare is missing: install Debian's package util-linux")
    if subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("not permitted to make a namespace of processes: run as root")
    return UNSHARE


def _first_process(unshared: Running) -> int:
    """Return the outer number of the process that is 1 to itself."""
    path = Path(f"/proc/{unshared.pid}/task/{unshared.pid}/children")
    return int(until(lambda: path.read_text(encoding="ascii"), "unshare has a child"))


def test_ends_well_as_process_1(start: Starter, unshare: tuple[str, ...]) -> None:
    exporter = start(before=unshare)
    exporter.logged("first poll succeeded")

    _assert_ends_well(exporter, pid=_first_process(exporter))


def test_ends_well_as_process_1_as_soon_as_it_runs(
    start: Starter, unshare: tuple[str, ...]
) -> None:
    exporter = start(before=unshare)
    pid = _first_process(exporter)
    until(lambda: exporter.handles(signal.SIGTERM, pid), "a handler is in place")

    _assert_ends_well(exporter, pid=pid)
