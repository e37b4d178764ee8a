"""Exchanges and exporters to be broken one by one: each account has an exchange of its own."""

import signal
import sys
import time
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from anyio.from_thread import BlockingPortal

from exporter.simulator import STEP_SECONDS, Simulator, SimulatorConfig
from tests.e2e.faults import SAFE
from tests.local_server import answering
from tests.process.running import Running

POLL_SECONDS = 1


def key_of(account: str) -> str:
    """Return the API key of an account, for every account needs its own."""
    return f"demo-key-of-{account}"


class FakeExchange:
    """The exchange of one account, whose time is ours: it passes, stands still, or is a step."""

    def __init__(self, portal: BlockingPortal, stack: ExitStack, scenario: str, key: str) -> None:
        self._is_stepping = scenario == "drill"
        # The simulator's time begins with it.
        self._step = 0
        self._frozen_at: float | None = None
        config = SimulatorConfig(
            port=0,
            scenario=scenario,
            rate_limit=1_000_000,
            key=key,
            # Two accounts of one id are told, because they are one account that is watched twice.
            account_id=zlib.crc32(key.encode()),
        )
        self._simulator = Simulator(config, monotonic=self._now)
        self._step = SAFE
        stack.enter_context(portal.wrap_async_context_manager(self._simulator))

    def _now(self) -> float:
        if self._is_stepping:
            return float(self._step * STEP_SECONDS)
        return time.monotonic() if self._frozen_at is None else self._frozen_at

    @property
    def base_url(self) -> str:
        """Where it is."""
        return self._simulator.base_url

    def go_to(self, step: int) -> None:
        """Let the ratio be that of a step."""
        self._step = step

    def break_by(self, fault: str | None) -> None:
        """Misbehave, or no longer."""
        self._simulator.fault = fault

    def freeze(self, *, is_frozen: bool) -> None:
        """Let its time stand still, or pass again."""
        self._frozen_at = time.monotonic() if is_frozen else None


class Exporter:
    """A real process that can be killed and started again at the same address."""

    def __init__(
        self,
        folder: Path,
        factor: float,
        base_urls: Mapping[str, str],
        poll_seconds: int = POLL_SECONDS,
    ) -> None:
        self._command = [
            *(sys.executable, "-m", "tests.e2e.exporter_on_timescale", f"{factor:g}"),
            f"--config.file={_config_file(folder, base_urls, poll_seconds)}",
        ]
        self._stack = ExitStack()
        self._address = "127.0.0.1:0"
        self.start()

    @property
    def address(self) -> str:
        """Where it listens; waits until it does."""
        self._address = self._running.address().removeprefix("http://")
        return self._address

    def start(self) -> None:
        """Start it, at its address if it had one."""
        self._running = self._stack.enter_context(
            Running([*self._command, f"--web.listen-address={self._address}"], {})
        )

    def kill(self) -> None:
        """End it as a lack of memory does."""
        self._running.end_by(signal.SIGKILL)

    def stop(self) -> None:
        """Let it hang: its port is open, and nothing answers."""
        self._running.send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it no longer hang."""
        self._running.send(signal.SIGCONT)

    def close(self) -> None:
        """End it, whatever state it is in."""
        self._stack.close()


def _config_file(folder: Path, base_urls: Mapping[str, str], poll_seconds: int) -> Path:
    folder.mkdir()
    (folder / "secret").write_text("demo-secret")
    (folder / "email").write_text("demo@example.com")
    lines = [f"poll_interval: {poll_seconds}s", "accounts:"]
    for name, base_url in base_urls.items():
        (folder / f"key-of-{name}").write_text(key_of(name))
        lines += [
            f'- name: "{name}"',
            f"  api_key_file: key-of-{name}",
            "  api_secret_file: secret",
            "  email_file: email",
            f"  base_url: {base_url}",
        ]
    path = folder / "config.yml"
    path.write_text("\n".join(lines))
    return path


def another_program(address: str) -> AbstractContextManager[str]:
    """Answer at the address of an exporter that has ended, with a page that is not its own."""
    return answering(lambda *_: b"cats_total 9\n", int(address.rpartition(":")[2]))
