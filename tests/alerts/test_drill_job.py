"""Whose label account counts, the target's or the page's, in a real Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests import prometheus as server
from tests.alerts.deployment import PROMETHEUS_CONFIG, Document, document
from tests.local_server import answering

pytestmark = pytest.mark.anyio

PAGE = b"""\
bitopro_margin_up{account="drill"} 1
bitopro_margin_up{account="main"} 1
bitopro_margin_mark_price{currency="BTC",unit="USDT"} 60000
bitopro_margin_borrow_annual_interest_ratio{currency="BTC"} 0.01
bitopro_margin_exporter_build_info{version="1"} 1
process_open_fds 7
"""


@contextmanager
def scraped(name: str) -> Iterator[tuple[Document, str]]:
    """Serve the page; yield a job of the shipped configuration in a hurry, and the address."""
    (job,) = (
        each for each in document(PROMETHEUS_CONFIG)["scrape_configs"] if each["job_name"] == name
    )
    with answering(lambda *_: PAGE) as url:
        yield {**job, "scrape_interval": "1s", "scrape_timeout": "1s"}, url.split("/")[2]


async def test_drills_target_can_only_speak_of_the_drill(prometheus: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    (tmp_path / "targets").mkdir()
    with scraped("bitopro-margin-drill") as (job, address):
        config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
        async with server.running(prometheus, config) as running:
            (tmp_path / "targets" / "drill.json").write_text(f'[{{"targets": ["{address}"]}}]')
            await running.until("bitopro_margin_up")
            series = await running.query('{job="bitopro-margin-drill",__name__!~"scrape_.*"}')

    target = {"account": "drill", "instance": address, "job": "bitopro-margin-drill"}
    bitcoin = {"currency": "BTC", **target}
    assert sorted((each["metric"] for each in series), key=lambda each: each["__name__"]) == [
        {"__name__": "bitopro_margin_borrow_annual_interest_ratio", **bitcoin},
        {"__name__": "bitopro_margin_mark_price", "unit": "USDT", **bitcoin},
        {"__name__": "bitopro_margin_up", **target},
        {"__name__": "up", **target},
    ]


async def test_label_of_the_target_does_not_hide_the_accounts_of_the_exporter(
    prometheus: str, tmp_path: Path
) -> None:
    config = tmp_path / "prometheus.yml"
    with scraped("bitopro-margin") as (job, address):
        labelled = {"targets": [address], "labels": {"account": "aws-prod"}}
        config.write_text(
            yaml.safe_dump({"scrape_configs": [{**job, "static_configs": [labelled]}]})
        )
        async with server.running(prometheus, config) as running:
            series = await running.until("bitopro_margin_up")

    target = {"__name__": "bitopro_margin_up", "instance": address, "job": "bitopro-margin"}
    assert sorted((each["metric"] for each in series), key=lambda each: each["account"]) == [
        {"account": "drill", **target},
        {"account": "main", **target},
    ]
