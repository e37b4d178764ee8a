from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from exporter.simulator import Simulator, SimulatorConfig
from tests.process.running import EXPORTER, FREE_PORT, Running, config_file, environment

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


class WallClock:
    """The wall clock of a process started with `variables`, off by so many seconds."""

    def __init__(self, folder: Path, library: Path) -> None:
        self._path = folder / "offset"
        self.step(0)
        self.variables = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, offset_seconds: int) -> None:
        """Set it to real time and so many seconds."""
        # In one step, because it is read all the time.
        written = self._path.with_suffix(".new")
        written.write_text(f"{offset_seconds:+d}\n")
        written.rename(self._path)


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    """A wall clock to be set at will."""
    if not LIBRARIES:
        pytest.skip("libfaketime is missing: install Debian's package libfaketime")
    return WallClock(tmp_path, LIBRARIES[0])


class Starter:
    """Starts exporters of the simulator's accounts."""

    def __init__(self, stack: ExitStack, base_url: str, folder: Path) -> None:
        self._stack = stack
        self._base_url = base_url
        self._folder = folder

    def __call__(
        self,
        *flags: str,
        before: tuple[str, ...] = (),
        command: tuple[str, ...] = EXPORTER,
        variables: Mapping[str, str] | None = None,
        accounts: int | None = None,
    ) -> Running:
        """Start one by `command`, itself started by the command `before`.

        It has the account `default` or, where their number is given, `account-1` and so on.
        """
        given = environment(self._base_url) if variables is None else variables
        if accounts is not None:
            flags = (*flags, f"--config.file={config_file(self._folder, self._base_url, accounts)}")
            given = {}
        return self._stack.enter_context(Running([*before, *command, FREE_PORT, *flags], given))


@pytest.fixture(scope="session")
def common_simulator() -> Iterator[Simulator]:
    """The exchange of all tests, with the fault that the last one left."""
    config = SimulatorConfig(port=0, accounts=8, rate_limit=1_000_000)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Simulator(config)) as simulator,
    ):
        yield simulator


@pytest.fixture
def simulator(common_simulator: Simulator) -> Simulator:
    """An exchange without a fault, to which a test may give one."""
    common_simulator.fault = None
    common_simulator.fault_endpoint = "balances"
    return common_simulator


@pytest.fixture
def start(simulator: Simulator, tmp_path: Path) -> Iterator[Starter]:
    """What starts exporters; those still running are killed after the test."""
    with ExitStack() as stack:
        yield Starter(stack, simulator.base_url, tmp_path)
