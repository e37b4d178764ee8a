"""The installed command as it starts, rests and grows."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen

from benchmarks.processes import Memory, cpu_seconds, fetch, memory_of
from benchmarks.simulated import EMAIL, KEY, SECRET, simulator
from exporter.web.listening import open_sockets

_STARTS = 7
_IDLE_SECONDS = 30.0
_PATIENCE_SECONDS = 110.0


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    figure: str
    value: float


def measure() -> list[Row]:
    """Start with one account several times, rest once, then run 595 accounts."""
    with simulator() as base_url:
        one_account = {
            "BITOPRO_API_KEY": KEY,
            "BITOPRO_API_SECRET": SECRET,
            "BITOPRO_EMAIL": EMAIL,
            "BITOPRO_BASE_URL": base_url,
        }
        starts = [_start_seconds(one_account) for _ in range(_STARTS)]
        # The simulated account is near enough to its thresholds to be polled more often.
        in_danger, one = _idle(one_account)
        idle, _ = _idle({**one_account, "BITOPRO_DANGER_POLL_INTERVAL": "0s"})
    return [
        Row("start to first scrape, s", median(wall for wall, _ in starts)),
        Row("start to first scrape, CPU s", median(cpu for _, cpu in starts)),
        Row("idle, one account every 15 s, CPU ms per s", idle * 1e3),
        Row("idle, one account every 3 s, CPU ms per s", in_danger * 1e3),
        Row("one account, RSS MB", one.rss_bytes / 1e6),
        Row("one account, PSS MB", one.pss_bytes / 1e6),
        *_many(595),
    ]


def _idle(settings: Mapping[str, str]) -> tuple[float, Memory]:
    """Return the CPU seconds of a second without scrapes, and the memory after that."""
    with _exporter(settings) as (process, port):
        _await_page(process, port, accounts=1)
        started = cpu_seconds(process.pid)
        time.sleep(_IDLE_SECONDS)
        return (cpu_seconds(process.pid) - started) / _IDLE_SECONDS, memory_of(process.pid)


def _many(count: int) -> list[Row]:
    keys = [f"{KEY}-{number}" for number in range(1, count + 1)]
    with simulator(count) as base_url, tempfile.TemporaryDirectory() as folder:
        config = _config(Path(folder), base_url, keys, "67s")
        with _exporter({}, f"--config.file={config}") as (process, port):
            _await_page(process, port, accounts=count)
            many = memory_of(process.pid)
    return [
        Row(f"{count} accounts, RSS MB", many.rss_bytes / 1e6),
        Row(f"{count} accounts, PSS MB", many.pss_bytes / 1e6),
    ]


def _config(folder: Path, base_url: str, keys: list[str], interval: str) -> Path:
    secret = folder / "secret"
    secret.write_text(SECRET, encoding="ascii")
    lines = [f"poll_interval: {interval}", "accounts:"]
    for number, key in enumerate(keys):
        file = folder / f"key-{number}"
        file.write_text(key, encoding="ascii")
        file.chmod(0o600)
        lines += [
            f"  - name: account-{number:04}",
            f"    base_url: {base_url}",
            f"    api_key_file: {file.name}",
            f"    api_secret_file: {secret.name}",
            f"    email: {EMAIL}",
        ]
    secret.chmod(0o600)
    config = folder / "config.yml"
    config.write_text("\n".join(lines), encoding="ascii")
    return config


def _start_seconds(settings: Mapping[str, str]) -> tuple[float, float]:
    """Return the time and the CPU time from the start of the process to a page, polled or not."""
    started = time.perf_counter()
    with _exporter(settings) as (process, port):
        _await_page(process, port, accounts=0)
        return time.perf_counter() - started, cpu_seconds(process.pid)


@contextlib.contextmanager
def _exporter(settings: Mapping[str, str], *flags: str) -> Iterator[tuple["Popen[bytes]", int]]:
    (free,) = open_sockets(["127.0.0.1:0"])
    port = free.getsockname()[1]
    free.close()
    address = f"--web.listen-address=127.0.0.1:{port}"
    command = [sys.executable, "-m", "exporter", address, "--log.level=error", *flags]
    environment = {"PATH": os.environ["PATH"], **settings}
    with Popen(command, env=environment, stdin=DEVNULL) as process:  # noqa: S603 - our own
        try:
            yield process, port
        finally:
            process.terminate()


def _await_page(process: "Popen[bytes]", port: int, *, accounts: int) -> None:
    """Wait for a page on which so many accounts have values."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the exporter has ended")
        with contextlib.suppress(ConnectionRefusedError):
            page = fetch(port, compressed=False)
            if page.count(b"bitopro_margin_account_status{") >= accounts:
                return
            if accounts > 1:
                time.sleep(1.0)
        time.sleep(0.002)
    raise RuntimeError("no page in time")
