"""A contender's process: its clock, its memory, what it is told, and scrapes of it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# How Linux makes a clock's number of a process's: inverted, shifted, and 2 for all of its CPU time.
_CPU_CLOCK_OF_PROCESS = 2
_RECEIVE_BYTES = 1 << 20
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost: CPU time of the server's process, and time on the wall."""

    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory, and the proportional share of it."""

    rss_bytes: int
    pss_bytes: int


class Contender:
    """A process that serves a page at `/metrics` and obeys lines on its standard input."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.port = int(self._reply())
        # Of the last page on which something was to have changed.
        self.last_line = b""

    def prepare(self, round_: int, accounts: int) -> None:
        """Let it compute what the first accounts are to change to."""
        self.tell(f"prepare {round_} {accounts}")

    def apply(self) -> Cost:
        """Let it change its accounts to what was prepared."""
        started = self._now()
        self.tell("apply")
        return self._since(started)

    def scrape(self, *, compressed: bool) -> tuple[Cost, bytes]:
        """Fetch the page as Prometheus would, and give the body as it came."""
        started = self._now()
        answer = fetch(self.port, compressed=compressed)
        # What it does after the last byte belongs to the scrape as well.
        time.sleep(0.002)
        cost = self._since(started)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.") or b" 200 " not in head[:16]:
            raise RuntimeError(f"no page: {head[:80]!r}")
        return cost, _dechunked(body) if b"\r\nTransfer-Encoding: chunked" in head else body

    def memory(self) -> Memory:
        """Return what memory it holds now."""
        return memory_of(self._process.pid)

    def end(self) -> None:
        """Close its standard input, upon which it ends."""
        with self._process:
            self._process.communicate()

    def tell(self, line: str) -> str:
        """Send a command and give the answer to it."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - likewise
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the contender has ended")
        return line

    def _now(self) -> tuple[float, float]:
        return cpu_seconds(self._process.pid), time.perf_counter()

    def _since(self, started: tuple[float, float]) -> Cost:
        cpu, wall = self._now()
        return Cost(cpu - started[0], wall - started[1])


@contextmanager
def running(arguments: Sequence[str | Path]) -> Iterator[Contender]:
    """Run a contender by its command line, and end it afterwards."""
    with subprocess.Popen(  # noqa: S603 - our own commands
        [str(each) for each in arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        contender = Contender(process)
        try:
            yield contender
        finally:
            contender.end()


def python(kind: str, accounts: int, *files: Path) -> list[str | Path]:
    """Return the command line of a contender in Python."""
    return [sys.executable, "-m", "benchmarks.contenders", kind, str(accounts), *files]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used since its start."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK_OF_PROCESS)


def memory_of(pid: int) -> Memory:
    """Return what memory a process holds now."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    rss, pss = (int(fields[name].split()[0]) * _KIB for name in ("Rss", "Pss"))
    return Memory(rss, pss)


def _dechunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :] if length else b""
    return b"".join(parts)


def fetch(port: int, *, compressed: bool) -> bytes:
    """Return a whole answer, head and body, of one request on a connection of its own."""
    encoding = "gzip" if compressed else "identity"
    request = (
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain;version=0.0.4\r\n"
        f"Accept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    )
    received: list[bytes] = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request.encode())
        while part := connection.recv(_RECEIVE_BYTES):
            received.append(part)
    return b"".join(received)
