"""What systemd is told, over a real socket as it has one."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from exporter.clock import Clock
from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.errors import AuthenticationError, NetworkError, PollError, RateLimitedError
from exporter.polling.poller import delay_seconds
from exporter.service.process import run_service
from exporter.service.systemd import SystemdNotifier, longest_silence_seconds
from exporter.simulator import Simulator, SimulatorConfig
from exporter.state import Account, AccountState, Store
from exporter.web.listening import open_sockets
from tests.process.running import EXPORTER, FREE_PORT, Running, environment, until

pytestmark = pytest.mark.anyio

ACCOUNT = Account(
    name="main",
    base_url="http://127.0.0.1:9/v3",
    poll_interval_seconds=15.0,
    stale_after_seconds=45.0,
)
STATE = AccountState(ACCOUNT)
LATE_SECONDS = 30.0


class Systemd:
    """A manager's socket."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(10.0)
        # Ten times a second, so that tests are quick.
        self.variables = {
            "NOTIFY_SOCKET": address.replace("\0", "@"),
            "WATCHDOG_USEC": "200000",
        }

    def close(self) -> None:
        self._socket.close()

    def next(self) -> str:
        """Wait for the next message."""
        return self._socket.recv(4096).decode()

    def until(self, text: str) -> list[str]:
        """Return the messages up to one."""
        heard = [self.next()]
        while heard[-1] != text:
            heard.append(self.next())
        return heard

    def waiting(self) -> list[str]:
        """Return what has come and was not looked at."""
        heard = []
        self._socket.settimeout(0.0)
        with suppress(BlockingIOError):
            while True:
                heard.append(self._socket.recv(4096).decode())
        self._socket.settimeout(10.0)
        return heard


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    """A manager that listens at a path, or at an abstract address as older ones do."""
    address = {"path": str(tmp_path / "notify"), "abstract": f"\0{tmp_path}"}[request.param]
    manager = Systemd(address)
    yield manager
    manager.close()


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Systemd]:
    """A manager at a path."""
    manager = Systemd(str(tmp_path / "quiet"))
    yield manager
    manager.close()


class Time:
    """Monotonic time that passes when a test says so."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def attended(
    supervisor: SystemdNotifier, meanwhile: Callable[[], object], *, stopped: asyncio.Event
) -> None:
    """Let it attend while something is done in a thread, then stop it."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(supervisor.attend(stopped))
        await asyncio.to_thread(meanwhile)
        stopped.set()


def test_process_tells_that_it_is_ready_alive_and_stopping(systemd: Systemd) -> None:
    variables = environment("http://127.0.0.1:9/v3") | systemd.variables
    with Running([*EXPORTER, "run", FREE_PORT], variables) as running:
        first = systemd.next()
        running.address()
        alive = [systemd.next(), systemd.next()]
        ended = running.end_by(signal.SIGTERM)

    assert first == "READY=1"
    assert alive == ["WATCHDOG=1", "WATCHDOG=1"]
    assert systemd.until("STOPPING=1")[-1] == "STOPPING=1"
    assert ended[0] == 0
    assert "cannot notify systemd" not in running.stderr


async def test_account_that_is_polled_in_time_keeps_it_alive(quiet: Systemd) -> None:
    now, store = Time(), Store([ACCOUNT])

    def meanwhile() -> None:
        quiet.until("WATCHDOG=1")
        now.seconds += longest_silence_seconds(STATE)
        store.put(replace(STATE, polls=1))
        quiet.until("WATCHDOG=1")
        now.seconds += longest_silence_seconds(STATE)
        quiet.until("WATCHDOG=1")
        quiet.until("WATCHDOG=1")

    await attended(
        SystemdNotifier(quiet.variables, now, store.states), meanwhile, stopped=asyncio.Event()
    )

    assert quiet.waiting()[-1] == "STOPPING=1"


async def test_one_account_that_is_not_polled_any_more_is_told_by_silence(
    quiet: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    now, well = Time(), replace(ACCOUNT, name="well")

    def states() -> list[AccountState]:
        return [STATE, AccountState(well, polls=int(now.seconds))]

    def meanwhile() -> None:
        quiet.until("WATCHDOG=1")
        now.seconds += longest_silence_seconds(STATE) + 1
        until(lambda: caplog.records, "that it was noticed")
        quiet.waiting()

    await attended(
        SystemdNotifier(quiet.variables, now, states), meanwhile, stopped=asyncio.Event()
    )

    assert quiet.waiting() == ["STOPPING=1"]
    assert [(each.message, vars(each)["accounts"]) for each in caplog.records] == [
        ("not polled any more", "main")
    ]


@pytest.mark.parametrize(
    "states", [[replace(STATE, polls=1)], []], ids=["polled again", "no longer configured"]
)
async def test_account_that_comes_back_or_is_given_up_is_well(
    quiet: Systemd, states: list[AccountState], caplog: pytest.LogCaptureFixture
) -> None:
    now, present = Time(), [STATE]

    def meanwhile() -> None:
        quiet.until("WATCHDOG=1")
        now.seconds += 10_000
        until(lambda: caplog.records, "that it was noticed")
        quiet.waiting()
        present[:] = states
        quiet.until("WATCHDOG=1")

    await attended(
        SystemdNotifier(quiet.variables, now, lambda: present), meanwhile, stopped=asyncio.Event()
    )


async def test_poller_that_hangs_in_the_running_exporter_is_told_by_silence(
    quiet: Systemd, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, **quiet.variables})
    late = Time()
    late.seconds = 0.0

    async def never(_: float) -> None:
        await asyncio.Event().wait()

    stopped = asyncio.Event()
    async with Simulator(SimulatorConfig(port=0)) as simulator, asyncio.TaskGroup() as group:
        settings = Settings(
            accounts=(
                AccountSettings(
                    replace(ACCOUNT, base_url=simulator.base_url),
                    CredentialSource(*(Secret("x", value="me@example.com") for _ in range(3))),
                ),
            ),
            warnings=(),
        )
        group.create_task(
            run_service(
                settings,
                open_sockets(["127.0.0.1:0"]),
                telemetry_path="/metrics",
                clock=Clock(monotonic=lambda: time.monotonic() + late(), sleep=never),
                stopped=stopped,
            )
        )
        await asyncio.to_thread(quiet.until, "WATCHDOG=1")
        late.seconds = 100.0
        await asyncio.to_thread(until, lambda: "not polled any more" in caplog.text, "the end")
        quiet.waiting()
        stopped.set()

    assert quiet.waiting() == ["STOPPING=1"]


async def test_without_a_supervisor_nobody_is_told() -> None:
    async with asyncio.timeout(5):
        await SystemdNotifier({}, time.monotonic, tuple).attend(asyncio.Event())


@pytest.mark.parametrize(
    "microseconds", ["", "soon", "9" * 30], ids=["no watchdog", "nonsense", "patient"]
)
async def test_without_a_watchdog_that_hurries_it_is_still_ready_and_alive(
    quiet: Systemd, microseconds: str
) -> None:
    supervisor = SystemdNotifier(
        quiet.variables | {"WATCHDOG_USEC": microseconds}, time.monotonic, tuple
    )

    await attended(supervisor, lambda: quiet.until("WATCHDOG=1"), stopped=asyncio.Event())

    # The next would have come in five seconds.
    assert quiet.waiting() == ["STOPPING=1"]


async def test_watchdog_that_hurries_is_fed_twice_in_its_patience(quiet: Systemd) -> None:
    supervisor = SystemdNotifier(quiet.variables, time.monotonic, tuple)

    def meanwhile() -> None:
        quiet.until("WATCHDOG=1")
        quiet.until("WATCHDOG=1")

    async with asyncio.timeout(4):
        await attended(supervisor, meanwhile, stopped=asyncio.Event())


async def test_supervisor_that_is_gone_is_a_warning_and_no_more(
    quiet: Systemd, caplog: pytest.LogCaptureFixture
) -> None:
    quiet.close()

    await attended(
        SystemdNotifier(quiet.variables, time.monotonic, tuple),
        lambda: None,
        stopped=asyncio.Event(),
    )

    assert {each.message for each in caplog.records} == {"cannot notify systemd"}


@hypothesis_settings(deadline=None)
@given(
    error=st.sampled_from(
        [
            NetworkError("x"),
            AuthenticationError("x"),
            RateLimitedError("x", 1e9),
            RateLimitedError("x"),
        ]
    ),
    interval_seconds=st.floats(min_value=1.0, max_value=600.0),
    failed_in_a_row=st.integers(min_value=1, max_value=1000),
    draw=st.floats(min_value=0.0, max_value=1.0, exclude_max=True),
)
def test_no_pause_that_the_poller_makes_is_taken_for_the_end(
    error: PollError, interval_seconds: float, failed_in_a_row: int, draw: float
) -> None:
    account = replace(ACCOUNT, poll_interval_seconds=interval_seconds)
    state = AccountState(account, reason=error.reason)

    pause_seconds = delay_seconds(error, interval_seconds, failed_in_a_row, draw)

    assert pause_seconds + LATE_SECONDS <= longest_silence_seconds(state)
