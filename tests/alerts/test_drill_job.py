"""Whose label account counts, the target's or the page's, in a real Prometheus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests import prometheus as server
from tests.alerts.deployment import PROMETHEUS_CONFIG, document

pytestmark = pytest.mark.anyio

PAGE = b"""\
bitopro_margin_up{account="drill"} 1
bitopro_margin_up{account="main"} 1
bitopro_margin_mark_price{currency="BTC",unit="USDT"} 60000
bitopro_margin_borrow_annual_interest_ratio{currency="BTC"} 0.01
bitopro_margin_exporter_build_info{version="1"} 1
process_open_fds 7
"""


@asynccontextmanager
async def serving(page: bytes) -> AsyncIterator[str]:
    """Serve one page on a free port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(page), page)
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"{host}:{port}"


async def test_drills_target_can_only_speak_of_the_drill(prometheus: str, tmp_path: Path) -> None:
    shipped = document(PROMETHEUS_CONFIG)
    (job,) = (
        each for each in shipped["scrape_configs"] if each["job_name"] == "bitopro-margin-drill"
    )
    job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    (tmp_path / "targets").mkdir()

    async with serving(PAGE) as address, server.running(prometheus, config) as running:
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
    shipped = document(PROMETHEUS_CONFIG)
    (job,) = (each for each in shipped["scrape_configs"] if each["job_name"] == "bitopro-margin")
    config = tmp_path / "prometheus.yml"

    async with serving(PAGE) as address:
        labelled = {"targets": [address], "labels": {"account": "aws-prod"}}
        job |= {"scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [labelled]}
        config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
        async with server.running(prometheus, config) as running:
            series = await running.until("bitopro_margin_up")

    target = {"__name__": "bitopro_margin_up", "instance": address, "job": "bitopro-margin"}
    assert sorted((each["metric"] for each in series), key=lambda each: each["account"]) == [
        {"account": "drill", **target},
        {"account": "main", **target},
    ]
