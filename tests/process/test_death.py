"""A part that dies of a bug takes the process with it, within a second and without a secret."""

import resource
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import httpx
import pytest

from exporter.simulator import Simulator
from tests.machine import slowdown
from tests.process.conftest import Starter
from tests.process.running import (
    BROKEN,
    FREE_PORT,
    LARGE_PAGE,
    MANY,
    SECRETS,
    Running,
    environment,
    slow_clients,
)

EXIT_INTERNAL = 70
PROMISED_SECONDS = 1.0
DEADLY = (
    "exception",
    "stray-cancellation",
    "system-exit",
    "hung-cleanup",
    "blocked-cleanup",
    "return",
    "server-ends",
)


@pytest.fixture(scope="module")
def dying(common_simulator: Simulator) -> Iterator[Mapping[str, Running]]:
    """Exporters with one bug each, started at once, for each takes its time."""
    common_simulator.fault = "label-unknown"
    variables = environment(common_simulator.base_url)
    with ExitStack() as stack:
        yield {
            bug: stack.enter_context(
                Running([*BROKEN, bug, FREE_PORT, "--log.level=debug"], variables)
            )
            for bug in (*DEADLY, "leaking-start")
        }


def _end_and_seconds_since_bug(exporter: Running) -> tuple[int, float]:
    ended = exporter.end()
    return ended.code, ended.at - float(exporter.stdout.splitlines()[0])


@pytest.mark.parametrize("bug", DEADLY)
def test_dead_part_is_a_dead_process(dying: Mapping[str, Running], bug: str) -> None:
    code, seconds = _end_and_seconds_since_bug(dying[bug])

    assert code == EXIT_INTERNAL
    assert seconds < PROMISED_SECONDS * slowdown()


def test_traceback_of_a_dead_poller_is_logged_without_secrets(
    dying: Mapping[str, Running],
) -> None:
    exporter = dying["exception"]
    exporter.end()

    first, *others = exporter.stderr.splitlines()
    assert "msg=starting version=" in first
    assert any(
        "task failed unexpectedly; exiting" in line and "in _verified" in line for line in others
    )
    assert "ValueError" in exporter.stderr
    assert [secret for secret in SECRETS if secret in exporter.stderr] == []


def test_bug_before_anything_runs_is_told_without_secrets(dying: Mapping[str, Running]) -> None:
    exporter = dying["leaking-start"]
    ended = exporter.end()

    assert ended.code == EXIT_INTERNAL
    assert "in configuration" in exporter.stderr
    assert "ValueError" in exporter.stderr
    assert [secret for secret in SECRETS if secret in exporter.stderr] == []


def test_one_dead_poller_among_many_is_a_dead_process(start: Starter, simulator: Simulator) -> None:
    exporter = start(command=(*BROKEN, "exception"), accounts=MANY)
    exporter.shows(f'up{{account="account-{MANY}"}}', 1)

    simulator.fault = "label-unknown"
    code, seconds = _end_and_seconds_since_bug(exporter)

    assert code == EXIT_INTERNAL
    assert seconds < PROMISED_SECONDS * slowdown()


def test_dead_poller_is_a_dead_process_despite_slow_clients(
    start: Starter, simulator: Simulator
) -> None:
    simulator.fault = LARGE_PAGE
    exporter = start(command=(*BROKEN, "exception"), accounts=MANY)
    exporter.shows(f'up{{account="account-{MANY}"}}', 1)

    with slow_clients(exporter.address()):
        simulator.fault = "label-unknown"
        code, seconds = _end_and_seconds_since_bug(exporter)

    assert code == EXIT_INTERNAL
    assert seconds < PROMISED_SECONDS * slowdown()


def test_blocked_loop_fails_the_health_check(start: Starter, simulator: Simulator) -> None:
    exporter = start(command=(*BROKEN, "blocked-loop"))
    exporter.shows('up{account="default"}', 1)
    healthy = f"{exporter.address()}/-/healthy"
    assert httpx.get(healthy, timeout=1.0, trust_env=False).status_code == httpx.codes.OK

    simulator.fault = "label-unknown"
    exporter.printed("\n")

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(healthy, timeout=0.5, trust_env=False)


def test_port_in_use_ends_it_with_clear_text(start: Starter) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        exporter = start(f"--web.listen-address={address}")
        ended = exporter.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert ended.code == 1
    # Of the processor's time, for this is nearly all imports, and the machine may be busy.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < PROMISED_SECONDS
    assert exporter.stderr.startswith(
        f"error: --web.listen-address: cannot listen on {address}: Address already in use"
    )
