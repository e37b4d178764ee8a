"""Starting the exporter as a real process, watching it, and ending it whatever happens."""

import math
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Self, TypeVar

import httpx
import pytest

ROOT = Path(__file__).parents[2]
EXPORTER = (sys.executable, "-m", "exporter")
# The same with a bug built in; see the module.
BROKEN = (sys.executable, "-m", "tests.process.broken")
FREE_PORT = "--web.listen-address=127.0.0.1:0"

# With this fault, the page of so many accounts does not fit into the buffers between the exporter
# and a client.
LARGE_PAGE = "currencies-500"
MANY = 8

# What the simulator knows.
SECRETS = ("demo-key", "demo-secret", "demo@example.com")

_PATIENCE_SECONDS = 20.0
_LOOK_AGAIN_SECONDS = 0.02

_T = TypeVar("_T")


def until(condition: Callable[[], _T | None], what: str, seconds: float = _PATIENCE_SECONDS) -> _T:
    """Wait until `condition` gives something true, and give that; fail the test otherwise."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(_LOOK_AGAIN_SECONDS)
    return result


def environment(base_url: str, **others: str) -> dict[str, str]:
    """Return the variables of one account that polls every second and stays fresh for a minute."""
    return {
        "BITOPRO_API_KEY": SECRETS[0],
        "BITOPRO_API_SECRET": SECRETS[1],
        "BITOPRO_EMAIL": SECRETS[2],
        "BITOPRO_BASE_URL": base_url,
        "BITOPRO_POLL_INTERVAL": "1s",
        "BITOPRO_STALE_AFTER": "1m",
        **others,
    }


def config_file(folder: Path, base_url: str, accounts: int) -> Path:
    """Write a configuration of so many accounts of the simulator, polled every second.

    The file is replaced in one step, as a rotation does.
    """
    (folder / "secret").write_text("demo-secret")
    lines = ["poll_interval: 1s", "stale_after: 1m", "accounts:"]
    for number in range(1, accounts + 1):
        (folder / f"key-{number}").write_text(f"demo-key-{number}")
        lines += [
            f"- name: account-{number}",
            f"  api_key_file: key-{number}",
            "  api_secret_file: secret",
            "  email: demo@example.com",
            f"  base_url: {base_url}",
        ]
    new = folder / "config.new"
    new.write_text("\n".join(lines))
    return new.replace(folder / "config.yml")


class Running:
    """A started process. What it prints is read all along, and kept."""

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        self._output = {"stdout": "", "stderr": ""}
        pipes = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        self._readers = [
            Thread(target=self._read, args=(name, pipe))
            for name, pipe in pipes.items()
            if pipe is not None
        ]
        self._ended_at = math.inf
        # The end is noted when it happens, and not when somebody asks.
        self._watcher = Thread(target=self._watch)
        for thread in (*self._readers, self._watcher):
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for thread in (self._watcher, *self._readers):
            thread.join()

    def _watch(self) -> None:
        self._process.wait()
        self._ended_at = time.monotonic()

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self._output[name] += line.decode()

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self._output["stdout"]

    @property
    def stderr(self) -> str:
        """What it has logged so far."""
        return self._output["stderr"]

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def address(self) -> str:
        """Wait until it listens, and give its URL."""
        return self.logged(r"msg=listening address=(\S+)")[1]

    def logged(self, pattern: str) -> re.Match[str]:
        """Wait for a line on standard error."""
        return until(lambda: re.search(pattern, self.stderr), f"{pattern} in {self.stderr}")

    def printed(self, pattern: str) -> re.Match[str]:
        """Wait for a line on standard output."""
        return until(lambda: re.search(pattern, self.stdout), f"{pattern} in {self.stdout}")

    def page(self) -> "Page":
        """Scrape it."""
        return scrape(self.address())

    def shows(self, sample: str, at_least: float) -> "Page":
        """Scrape it until a sample has some value or a higher one, and give that page."""
        return page_showing(self.address(), sample, at_least)

    def send(self, number: signal.Signals, pid: int | None = None) -> float:
        """Send it a signal, and give the monotonic time at which that was."""
        os.kill(self.pid if pid is None else pid, number)
        return time.monotonic()

    def end(self) -> "Ended":
        """Wait until it ends by itself."""
        self._watcher.join(_PATIENCE_SECONDS)
        code = self._process.poll()
        if code is None:
            pytest.fail(f"does not end; its log:\n{self.stderr}")
        for reader in self._readers:
            reader.join()
        return Ended(code, self._ended_at)

    def end_by(self, number: signal.Signals, pid: int | None = None) -> tuple[int, float]:
        """Send it a signal, and give its exit code and how many seconds it took to end."""
        sent = self.send(number, pid)
        ended = self.end()
        return ended.code, ended.at - sent

    def handles(self, number: signal.Signals, pid: int | None = None) -> bool:
        """Return whether it has put a handler for a signal in place."""
        text = Path(f"/proc/{self.pid if pid is None else pid}/status").read_text(encoding="ascii")
        caught = re.search(r"^SigCgt:\t([0-9a-f]+)$", text, re.MULTILINE)
        return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


@dataclass(frozen=True)
class Ended:
    """An exit code, and the monotonic time of the end."""

    code: int
    at: float


@dataclass(frozen=True)
class Page:
    """The exposition."""

    text: str

    def value(self, sample: str) -> float | None:
        """Return the value of one sample, written as on the page without `bitopro_margin_`."""
        found = re.search(rf"^bitopro_margin_{re.escape(sample)} (\S+)$", self.text, re.MULTILINE)
        return None if found is None else float(found[1])

    def count(self, sample: str) -> int:
        """Return the value of a counter, which is there."""
        value = self.value(sample)
        assert value is not None
        return int(value)

    def balances(self) -> list[str]:
        """Return the lines that show money."""
        return re.findall(r"^bitopro_margin_(?:ad_ratio|\w+_amount)\{.*$", self.text, re.MULTILINE)


def scrape(address: str) -> Page:
    """Get the metrics as Prometheus does."""
    response = httpx.get(f"{address}/metrics", timeout=5.0, trust_env=False)
    response.raise_for_status()
    return Page(response.text)


def page_showing(address: str, sample: str, at_least: float) -> Page:
    """Scrape until a sample has some value or a higher one, and give that page."""

    def report() -> Page | None:
        page = scrape(address)
        value = page.value(sample)
        return page if value is not None and value >= at_least else None

    return until(report, f"{sample} {at_least:g} at {address}")


@contextmanager
def slow_clients(address: str) -> Iterator[None]:
    """Keep connections that are silent, sent half a request, or do not read their answer."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    half = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    openings = [b"", half, half + b"\r\n"]
    clients: list[socket.socket] = []
    try:
        for opening in openings * 5:
            client = socket.socket()
            clients.append(client)
            # As little as possible waits in the kernel on this side.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.connect((host, int(port)))
            client.sendall(opening)
        yield
    finally:
        for client in clients:
            client.close()
