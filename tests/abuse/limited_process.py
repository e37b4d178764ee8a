"""The exporter as its own process beside a simulated exchange, and what can be seen of it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_START_SECONDS = 10.0
# Another process is waited for, and it announces nothing.
_LOOK_AGAIN_SECONDS = 0.02
_LISTENING = re.compile(r"https?://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class RunningExporter:
    """An exporter with one account of 400 currencies, polled every second."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def descriptors(self) -> int:
        """Count what the process has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208 - a count

    def resident_bytes(self) -> int:
        """Measure the memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmRSS:")[2].split()[0])

    def log_lines(self) -> list[str]:
        """Return everything logged so far."""
        return self.log.read_text(encoding="utf-8").splitlines()


@contextmanager
def running_exporter(
    folder: Path, max_descriptors: int = 2048, flags: Sequence[str] = ()
) -> Iterator[RunningExporter]:
    """Start both on free ports, wait for the first poll, and end both at the end."""
    exchange_log, log = folder / "exchange.log", folder / "exporter.log"
    exchange = ["simulate", "--listen-address=127.0.0.1:0", "--currencies=400"]
    with _started(exchange, exchange_log, max_descriptors):
        url = f"http://127.0.0.1:{_port(exchange_log)}/v3"
        run = ["run", "--web.listen-address=127.0.0.1:0", *flags]
        with _started(run, log, max_descriptors, url) as it:
            wait_until(lambda: "first poll succeeded" in log.read_text(encoding="utf-8"))
            yield RunningExporter(it, _port(log), log)


def wait_until(condition: Callable[[], object], seconds: float = _START_SECONDS) -> None:
    """Return as soon as the condition holds. Raises TimeoutError if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_LOOK_AGAIN_SECONDS)


def _port(log: Path) -> int:
    wait_until(lambda: _LISTENING.search(log.read_text(encoding="utf-8")))
    return int(_LISTENING.findall(log.read_text(encoding="utf-8"))[-1])


@contextmanager
def _started(
    arguments: list[str], log: Path, max_descriptors: int, base_url: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    limited = ["/bin/sh", "-c", f'ulimit -n {max_descriptors}; exec "$@"', "sh"]
    environment = {
        "BITOPRO_API_KEY": "demo-key",
        "BITOPRO_API_SECRET": "demo-secret",
        "BITOPRO_EMAIL": "demo@example.com",
        "BITOPRO_BASE_URL": base_url,
        "BITOPRO_POLL_INTERVAL": "1s",
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*limited, sys.executable, "-m", "exporter", *arguments],
            cwd=_ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
