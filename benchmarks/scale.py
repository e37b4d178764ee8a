"""1,000 accounts on 8 exporters, each a process of its own with the real limits. `make scale`.

All ask one simulator over sockets, poll every 20 seconds, and are scraped for a minute. Exit code 1
unless every account is up at exactly one of them and none asks more often than its budget allows.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

_ROOT = Path(__file__).parents[1]
_START_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.2
_REQUESTS_PER_MINUTE = 540
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_UP = re.compile(r'^bitopro_margin_up\{account="([^"]+)"\} 1\.0$', re.MULTILINE)
_POLLS = re.compile(r"^bitopro_margin_polls_total\{[^}]*\} (\S+)$", re.MULTILINE)


class _Process:
    """A started exporter or simulator, and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def address(self) -> str:
        """Wait until it listens, and give its URL."""
        deadline = time.monotonic() + _START_SECONDS
        while not (found := _ADDRESS.search(self._log.read_text(encoding="utf-8"))):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"does not listen: {self._log.read_text(encoding='utf-8')}")
            time.sleep(_LOOK_AGAIN_SECONDS)
        return found[0]

    def memory_bytes(self) -> int:
        """Return what it holds in memory."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Return the processor time it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run it and give the exit code."""
    parser = argparse.ArgumentParser(description="Share many accounts among several exporters.")
    parser.add_argument("--accounts", type=int, default=1000, metavar="N")
    parser.add_argument("--shards", type=int, default=8, metavar="M")
    parser.add_argument("--interval", type=int, default=20, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        simulator = stack.enter_context(
            _started(
                [
                    "simulate",
                    "--listen-address=127.0.0.1:0",
                    f"--accounts={options.accounts}",
                    "--rate-limit=10000000",
                ],
                Path(folder) / "simulator.log",
            )
        )
        config = _write_config(Path(folder), simulator.address(), options)
        exporters = [
            stack.enter_context(
                _started(
                    [
                        "run",
                        f"--config.file={config}",
                        "--web.listen-address=127.0.0.1:0",
                        f"--shard={number}",
                        f"--total-shards={options.shards}",
                    ],
                    Path(folder) / f"shard-{number}.log",
                )
            )
            for number in range(options.shards)
        ]
        return _judged(exporters, options)


def _judged(exporters: Sequence[_Process], options: argparse.Namespace) -> int:
    addresses = [each.address() for each in exporters]
    # The first polls are spread over an interval; another one is for a busy machine.
    time.sleep(2 * options.interval)
    with httpx.Client(timeout=10.0, trust_env=False) as client:
        before = [_Seen(client, *each) for each in zip(addresses, exporters, strict=True)]
        time.sleep(60)
        after = [_Seen(client, *each) for each in zip(addresses, exporters, strict=True)]
    polled_by: Counter[str] = Counter()
    is_within_budget = True
    _say("shard  accounts  polls a minute  series  page      memory    processor")
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        seconds = now.at_seconds - was.at_seconds
        names = _UP.findall(now.page)
        polled_by.update(names)
        polls_a_minute = (now.polls() - was.polls()) / seconds * 60
        is_within_budget = is_within_budget and polls_a_minute <= _REQUESTS_PER_MINUTE
        series = sum(1 for line in now.page.splitlines() if not line.startswith("#"))
        _say(
            f"{number:5}{len(names):10}{polls_a_minute:16.0f}{series:8}"
            f"{len(now.page) / 1e3:7.0f} kB{now.memory_bytes / 1e6:7.0f} MB"
            f"{(now.cpu_seconds - was.cpu_seconds) / seconds:10.1%}"
        )
    wanted = {f"account-{number}" for number in range(1, options.accounts + 1)}
    once = {name for name, times in polled_by.items() if times == 1}
    _say(
        f"{len(once & wanted)} of {len(wanted)} accounts are up at exactly one shard, "
        f"{len(polled_by) - len(once)} at several"
    )
    return 0 if once == wanted and is_within_budget else 1


def _write_config(folder: Path, exchange: str, options: argparse.Namespace) -> Path:
    (folder / "secret").write_text("demo-secret")
    lines = [f"poll_interval: {options.interval}s", "accounts:"]
    for number in range(1, options.accounts + 1):
        (folder / f"key-{number}").write_text(f"demo-key-{number}")
        lines += [
            f"- name: account-{number}",
            f"  api_key_file: key-{number}",
            "  api_secret_file: secret",
            "  email: demo@example.com",
            f"  base_url: {exchange}/v3",
        ]
    path = folder / "config.yml"
    path.write_text("\n".join(lines))
    return path


@contextmanager
def _started(arguments: Sequence[str], log: Path) -> Iterator[_Process]:
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "exporter", *arguments],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield _Process(process, log)
        finally:
            process.kill()


class _Seen:
    """An exporter's page and needs at a moment."""

    def __init__(self, client: httpx.Client, address: str, exporter: _Process) -> None:
        response = client.get(f"{address}/metrics")
        response.raise_for_status()
        self.page = response.text
        self.at_seconds = time.monotonic()
        self.memory_bytes = exporter.memory_bytes()
        self.cpu_seconds = exporter.cpu_seconds()

    def polls(self) -> int:
        """Count the polls of all its accounts since its start."""
        return sum(int(float(each)) for each in _POLLS.findall(self.page))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
