"""Crowds of clients that never let go, all at once, with an honest scraper among them."""

import asyncio
import re
import resource
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.abuse.clients import Hold, Page, connected, fetch, hold
from tests.abuse.limited_process import RunningExporter, running_exporter, wait_until
from tests.machine import slowdown

CLOSED_WITHIN_SECONDS = 10.0
SCRAPED_WITHIN_SECONDS = 1.0
MEGABYTE = 1 << 20

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = GET + b"Connection: Upgrade, HTTP2-Settings\r\n"

CROWDS: Mapping[str, tuple[int, Hold]] = {
    "silent": (300, Hold()),
    "half-sent request": (300, Hold(GET + b"Accept")),
    "header sent byte by byte": (20, Hold(GET + b"a: ", drip=b"a", pause_seconds=0.5)),
    "line end before the request for ever": (5, Hold(drip=b"\r\n", pause_seconds=0.5)),
    "reader of nothing": (10, Hold(GET + b"\r\n", thirsty=True)),
    "slow reader": (10, Hold(GET + b"\r\n", sip_bytes=10, thirsty=True)),
    "reader of nothing, asking on": (5, Hold((GET + b"\r\n") * 50, drip=GET, thirsty=True)),
    "announced body that never comes": (20, Hold(POST + b"Content-Length: 9\r\n\r\n")),
    "body in many chunks": (
        20,
        Hold(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 40),
    ),
    "body without end": (5, Hold(POST + b"Transfer-Encoding: chunked\r\n\r\n", drip=b"1\r\na\r\n")),
    "waiting for 100 Continue": (
        5,
        Hold(POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"),
    ),
    "silent after an answer": (
        20,
        Hold(GET + b"Connection: keep-alive\r\n\r\n", sip_bytes=1 << 20),
    ),
    "HTTP/2 preface": (10, Hold(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")),
    "upgrade to HTTP/2": (
        10,
        Hold(UPGRADE + b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", sip_bytes=1 << 20),
    ),
    "upgrade to WebSocket": (
        10,
        Hold(
            UPGRADE + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            sip_bytes=1 << 20,
        ),
    ),
}


@dataclass(frozen=True)
class Flood:
    """What was seen. `closed_seconds` holds when the last client of each crowd was closed."""

    closed_seconds: Mapping[str, float]
    honest: list[Page]
    descriptors_before: int
    resident_bytes_before: int
    log_before: list[str]


@pytest.fixture(scope="module")
def flood(exporter: RunningExporter) -> Flood:
    descriptors, resident = exporter.descriptors(), exporter.resident_bytes()
    log = exporter.log_lines()
    closed, honest = asyncio.run(_flood(exporter.port))
    return Flood(closed, honest, descriptors, resident, log)


async def _flood(port: int) -> tuple[Mapping[str, float], list[Page]]:
    async with asyncio.timeout(2 * CLOSED_WITHIN_SECONDS), asyncio.TaskGroup() as group:
        crowds = {
            name: [group.create_task(hold(port, how)) for _ in range(clients)]
            for name, (clients, how) in CROWDS.items()
        }
        honest = [await fetch(port)]
        while any(not client.done() for crowd in crowds.values() for client in crowd):
            honest.append(await fetch(port))
            await asyncio.sleep(0.1)
    closed = {name: max(each.result() for each in crowd) for name, crowd in crowds.items()}
    return closed, honest


def test_clients_that_never_let_go_are_closed(flood: Flood) -> None:
    late = {
        crowd: seconds
        for crowd, seconds in flood.closed_seconds.items()
        if seconds >= CLOSED_WITHIN_SECONDS
    }

    assert late == {}
    assert flood.closed_seconds.keys() == CROWDS.keys()


def test_honest_scrape_is_quick_beside_hostile_clients(flood: Flood) -> None:
    assert len(flood.honest) > 20
    assert max(page.seconds for page in flood.honest) < SCRAPED_WITHIN_SECONDS * slowdown()


def test_polls_go_on_beside_hostile_clients(flood: Flood) -> None:
    polls = [_sample(page, "polls_total") for page in flood.honest]

    assert {_sample(page, "up") for page in flood.honest} == {1.0}
    assert polls[-1] - polls[0] >= 5


def test_hostile_clients_leave_nothing_behind(flood: Flood, exporter: RunningExporter) -> None:
    # One more may be the poll of this moment.
    wait_until(lambda: exporter.descriptors() <= flood.descriptors_before + 1)
    assert exporter.resident_bytes() < flood.resident_bytes_before + 50 * MEGABYTE
    assert exporter.log_lines() == flood.log_before


@pytest.mark.anyio
async def test_too_many_readers_push_out_the_oldest_and_not_the_scraper(
    exporter: RunningExporter,
) -> None:
    reader_of_nothing = Hold(GET + b"\r\n", thirsty=True)
    async with asyncio.timeout(5.0):
        readers = [asyncio.create_task(hold(exporter.port, reader_of_nothing)) for _ in range(40)]
        # Long before their deadline, and of 40 there is room for 32.
        pushed_out, _ = await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        page = await fetch(exporter.port)
    for each in readers:
        each.cancel()
    await asyncio.gather(*readers, return_exceptions=True)

    assert pushed_out
    assert page.seconds < SCRAPED_WITHIN_SECONDS * slowdown()
    assert [line for line in exporter.log_lines() if "too many pages read at once" in line]


@pytest.mark.anyio
async def test_crowd_larger_than_the_descriptors_starves_neither_scrapes_nor_polls(
    tmp_path: Path,
) -> None:
    with (
        running_exporter(tmp_path, max_descriptors=64) as exporter,
        connected(exporter.port, [Hold()] * 300),
    ):
        async with asyncio.timeout(5.0):
            pages = [await fetch(exporter.port)]
            while _sample(pages[-1], "polls_total") < _sample(pages[0], "polls_total") + 2:
                pages.append(await fetch(exporter.port))

        assert max(page.seconds for page in pages) < SCRAPED_WITHIN_SECONDS * slowdown()
        assert {_sample(page, "up") for page in pages} == {1.0}
        assert [line.partition(" ")[2] for line in exporter.log_lines()[4:]] == [
            'level=warn msg="too many connections; the oldest are cut"'
        ]


@pytest.mark.anyio
async def test_running_out_of_descriptors_is_survived_and_said_once(tmp_path: Path) -> None:
    with running_exporter(tmp_path) as exporter:
        limits = resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (3, 2048))
        with connected(exporter.port, [Hold()] * 5):
            wait_until(lambda: "cannot accept" in exporter.log.read_text(encoding="utf-8"))
        resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, limits)
        page = await fetch(exporter.port)

        assert page.seconds < SCRAPED_WITHIN_SECONDS * slowdown()
        assert len([line for line in exporter.log_lines() if "cannot accept" in line]) == 1
        assert "Traceback" not in exporter.log.read_text(encoding="utf-8")


def test_hostile_clients_do_not_delay_the_end(tmp_path: Path) -> None:
    hostile = [Hold(), Hold(GET), Hold(GET + b"\r\n", thirsty=True)] * 5
    with running_exporter(tmp_path) as exporter, connected(exporter.port, hostile):
        wait_until(lambda: exporter.descriptors() > len(hostile))
        exporter.process.send_signal(signal.SIGTERM)

        # The watchdog of what does not end by itself comes after two and a half seconds.
        assert exporter.process.wait(timeout=2.0) == 0


def _sample(page: Page, name: str) -> float:
    pattern = rf'^bitopro_margin_{name}\{{account="default"\}} (\S+)$'
    return float(re.findall(pattern, page.body.decode(), re.MULTILINE)[0])
