"""The scrape configuration of the README, in a real Prometheus, against the running exporter."""

import re
import subprocess
from pathlib import Path

import pytest

from exporter.simulator import Simulator, SimulatorConfig
from tests import prometheus as server
from tests.exporting import account, exporting

pytestmark = pytest.mark.anyio

README = Path(__file__).parents[2] / "README.md"


def scrape_configuration(target: str) -> str:
    """Return the README's configuration with another target and a short interval."""
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", README.read_text(), re.DOTALL)
    assert "127.0.0.1:10061" in block
    block = block.replace("127.0.0.1:10061", target).replace(": 5s", ": 1s")
    return str(block)


def test_promtool_accepts_the_configuration(promtool: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(scrape_configuration("127.0.0.1:10061"))

    check = subprocess.run([promtool, "check", "config", config], capture_output=True, check=False)

    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize(
    "line",
    [
        'ts=2026-01-02T03:04:05.678Z caller=scrape.go:1 level=warn msg="Error on ingesting"',
        'ts=2026-01-02T03:04:05.678Z caller=main.go:1 level=error err="no such file"',
        'time=2026-01-02T03:04:05.678Z level=WARN source=scrape.go:1 msg="Error on ingesting"',
        'time=2026-01-02T03:04:05.678Z level=ERROR source=main.go:1 msg="no such file"',
        '{"time":"2026-01-02T03:04:05.678Z","level":"WARN","msg":"Error on ingesting"}',
        '{"ts":"2026-01-02T03:04:05.678Z","level":"error","msg":"no such file"}',
    ],
)
def test_complaints_of_every_edition_are_seen(tmp_path: Path, line: str) -> None:
    log = tmp_path / "prometheus.log"
    log.write_text(
        f'time=2026-01-02T03:04:05.678Z level=INFO msg="no warnings"\n{line}\n'
        '{"level":"INFO","msg":"no errors"}\n'
    )

    assert server.Prometheus("http://127.0.0.1:9090", log).complaints() == [line]


async def test_prometheus_scrapes_it_without_complaint(prometheus: str, tmp_path: Path) -> None:
    async with (
        Simulator(SimulatorConfig(port=0, scenario="documented")) as simulator,
        exporting(account(simulator)) as target,
    ):
        config = tmp_path / "prometheus.yml"
        config.write_text(scrape_configuration(target.address))
        async with server.running(prometheus, config) as running:
            await running.until("bitopro_margin_up == 1")
            (up,) = await running.query('up{job="bitopro-margin"}')
            (ratio,) = await running.query("bitopro_margin_ad_ratio")
            (asset,) = await running.query("bitopro_margin_total_asset_amount")
            complaints = running.complaints()

    assert up["value"][1] == "1"
    assert ratio["value"][1] == "5.76"
    assert asset["value"][1] == "748279.60832069"
    assert complaints == []
