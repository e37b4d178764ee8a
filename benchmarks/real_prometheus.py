"""How long a real Prometheus takes to scrape the exporter, and constant bytes of the same page."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import python, running
from tests.prometheus import running as running_prometheus

_INTERVAL_SECONDS = 5
_SCRAPES = 20
# Prometheus itself is busy for most of the time: it has twice as many series to make.
_PATIENCE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Row:
    """`scrape_duration_seconds` of a target, the median of so many scrapes."""

    accounts: int
    target: str
    series: float
    median_ms: float


def measure(accounts: int) -> list[Row]:
    """Scrape both for two minutes. Empty where there is no Prometheus."""
    command = shutil.which("prometheus")
    if command is None:
        return []
    with tempfile.TemporaryDirectory() as folder, running(python("ours", accounts)) as ours:
        plain, compressed = Path(folder, "plain"), Path(folder, "compressed")
        plain.write_bytes(ours.scrape(compressed=False)[1])
        compressed.write_bytes(ours.scrape(compressed=True)[1])
        with running(python("constant", accounts, plain, compressed)) as constant:
            ports = {"ours": ours.port, "constant bytes": constant.port}
            config = Path(folder, "prometheus.yml")
            config.write_text(_configuration(ports), encoding="ascii")
            return asyncio.run(_watched(command, config, accounts))


def _configuration(ports: dict[str, int]) -> str:
    jobs = "".join(
        f"  - job_name: {name}\n    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        for name, port in ports.items()
    )
    return f"global: {{scrape_interval: {_INTERVAL_SECONDS}s}}\nscrape_configs:\n{jobs}"


async def _watched(command: str, config: Path, accounts: int) -> list[Row]:
    async with running_prometheus(command, config) as prometheus:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            # The first scrape of each makes the series.
            enough = f"min(count_over_time(up[1h])) > {_SCRAPES}"
            while not await prometheus.query(enough):  # noqa: ASYNC110 - another process
                await asyncio.sleep(1.0)
        window = f"[{_SCRAPES * _INTERVAL_SECONDS}s]"
        medians = await prometheus.query(
            f"quantile_over_time(0.5, scrape_duration_seconds{window})"
        )
        series = await prometheus.query("scrape_samples_scraped")
    counts = {each["metric"]["job"]: float(each["value"][1]) for each in series}
    return [
        Row(accounts, job, counts[job], float(each["value"][1]) * 1e3)
        for each in medians
        for job in (each["metric"]["job"],)
    ]
