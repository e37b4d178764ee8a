"""What a scrape costs: every contender is up at once, and they are scraped in turn."""

import os
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median, quantiles

from benchmarks.processes import Contender, Cost, python, running

_MAX_SAMPLES = 40
_MIN_SAMPLES = 5
# For one figure of one contender; what is quick comes to the most samples.
_SECONDS = 2.0
_GO_SOURCE = Path(__file__).parent / "golang"
# Where Debian's golang-github-prometheus-client-golang-dev puts sources.
_GO_PATH = "/usr/share/gocode"

# How many accounts change before the scrape, `None` being all of them.
_CHANGED: Mapping[str, int | None] = {"unchanged": 0, "one changed": 1, "all changed": None}
# The others format every series at every scrape, however many have changed.
_ALL_FIGURES = ("ours", "constant bytes")
_NEVER_CHANGING = ("constant bytes",)
# The account that changes in every figure of change.
_CHANGING = b'bitopro_margin_total_amount{account="account-0000",'


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one contender. CPU is the server's, of change and scrape together."""

    accounts: int
    contender: str
    figure: str
    gzip: bool
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    body_bytes: int
    samples: int


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """What a contender holds after all scrapes."""

    accounts: int
    contender: str
    rss_mb: float
    pss_mb: float


@contextmanager
def contenders(accounts: int) -> Iterator[dict[str, Contender]]:
    """Run all that this machine has; what is to be constant is ours's page."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        ours = stack.enter_context(running(python("ours", accounts)))
        plain, compressed = Path(folder, "plain"), Path(folder, "compressed")
        plain.write_bytes(ours.scrape(compressed=False)[1])
        compressed.write_bytes(ours.scrape(compressed=True)[1])
        commands = {
            "constant bytes": python("constant", accounts, plain, compressed),
            "prometheus-client, gauges": python("gauges", accounts),
            "prometheus-client, collector": python("collector", accounts),
        }
        if (program := _built_in_go(Path(folder))) is not None:
            commands["client_golang, GaugeVec"] = [program, plain]
        others = {name: stack.enter_context(running(each)) for name, each in commands.items()}
        yield {"ours": ours, **others}


def measure(accounts: int) -> tuple[list[Row], list[MemoryRow]]:
    """Measure all contenders with so many accounts."""
    with contenders(accounts) as running_:
        figures = [
            _Figure(name, contender, figure, compressed=compressed, accounts=accounts)
            for name, contender in running_.items()
            for figure in _CHANGED
            if name in _ALL_FIGURES or figure != "one changed"
            for compressed in (False, True)
        ]
        # No number comes twice: who changes to what is there already has nothing to do.
        rounds = count(1)
        for _ in range(_MAX_SAMPLES):
            for each in figures:
                each.see()
            for each in figures:
                each.take(next(rounds))
        rows = [each.row() for each in figures]
        memory = [_memory_row(accounts, name, each) for name, each in running_.items()]
    return rows, memory


class _Figure:
    """The samples of one figure of one contender."""

    def __init__(
        self, name: str, contender: Contender, figure: str, *, compressed: bool, accounts: int
    ) -> None:
        self._name = name
        self._contender = contender
        self._figure = figure
        self._compressed = compressed
        self._accounts = accounts
        self._costs: list[Cost] = []
        self._spent_seconds = 0.0
        self._body_bytes = 0

    def see(self) -> None:
        """Let what is to be unchanged be scraped once, as it will be again: that is the state."""
        if _CHANGED[self._figure] == 0 and not self._is_through():
            self._contender.scrape(compressed=self._compressed)

    def take(self, round_: int) -> None:
        """Take another sample, unless time is up."""
        if self._is_through():
            return
        started = time.monotonic()
        changed = _CHANGED[self._figure]
        costs: list[Cost] = []
        if changed != 0:
            self._contender.prepare(round_, self._accounts if changed is None else changed)
            costs.append(self._contender.apply())
        cost, body = self._contender.scrape(compressed=self._compressed)
        costs.append(cost)
        self._costs.append(
            Cost(sum(each.cpu_seconds for each in costs), sum(each.wall_seconds for each in costs))
        )
        page = zlib.decompress(body, zlib.MAX_WBITS | 16) if self._compressed else body
        self._require_all_of(page)
        if changed != 0 and self._name not in _NEVER_CHANGING:
            self._require_change(page)
        self._body_bytes = len(body)
        self._spent_seconds += time.monotonic() - started

    def _is_through(self) -> bool:
        return self._spent_seconds > _SECONDS and len(self._costs) >= _MIN_SAMPLES

    def row(self) -> Row:
        """Return the medians."""
        walls = [each.wall_seconds for each in self._costs]
        return Row(
            accounts=self._accounts,
            contender=self._name,
            figure=self._figure,
            gzip=self._compressed,
            cpu_ms=1e3 * median(each.cpu_seconds for each in self._costs),
            p50_ms=1e3 * median(walls),
            p99_ms=1e3 * quantiles(walls, n=100, method="inclusive")[-1],
            body_bytes=self._body_bytes,
            samples=len(self._costs),
        )

    def _require_all_of(self, page: bytes) -> None:
        # A quick answer that is not the page would win every race.
        if page.count(b"bitopro_margin_total_amount{") != self._accounts * 20:
            raise RuntimeError(f"{self._name}: not the whole page")

    def _require_change(self, page: bytes) -> None:
        # And so would one that had nothing to do.
        start = page.index(_CHANGING)
        line = page[start : page.index(b"\n", start)]
        if self._contender.last_line == line:
            raise RuntimeError(f"{self._name}: nothing has changed")
        self._contender.last_line = line


def _memory_row(accounts: int, name: str, contender: Contender) -> MemoryRow:
    memory = contender.memory()
    return MemoryRow(accounts, name, memory.rss_bytes / 1e6, memory.pss_bytes / 1e6)


def _built_in_go(folder: Path) -> Path | None:
    """Build the contender in Go, where the compiler and client_golang are installed."""
    go = shutil.which("go")
    if go is None or not Path(_GO_PATH, "src/github.com/prometheus/client_golang").is_dir():
        return None
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": _GO_PATH}
    program = folder / "contender"
    build = [go, "build", "-o", str(program)]
    subprocess.run(build, cwd=_GO_SOURCE, env=environment, check=True)  # noqa: S603 - Go's own
    return program
