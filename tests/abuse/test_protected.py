"""A port under TLS and behind users: silent clients and guessed passwords beside honest scrapes."""

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import trustme

from tests.abuse.clients import Hold, connected, exchange, hold
from tests.abuse.limited_process import RunningExporter, running_exporter, wait_until
from tests.machine import slowdown
from tests.web.protected import (
    PASSWORD,
    TLS_TEXT,
    USER,
    client_context,
    users_text,
    write_certificate,
    write_web_config,
)

pytestmark = pytest.mark.anyio

CLOSED_WITHIN_SECONDS = 10.0
SCRAPED_WITHIN_SECONDS = 1.0
MEGABYTE = 1 << 20
SILENT_CLIENTS = 50
# A first record that announces 512 bytes, which come one at a time.
HALF_A_HANDSHAKE = Hold(b"\x16\x03\x01\x02\x00", drip=b"\x00", pause_seconds=0.5)
GUESSES_A_SECOND = 20
# What htpasswd is told in every introduction.
USUAL_COST = 10
GUESSER, SCRAPER, OTHER_SCRAPER = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@dataclass(frozen=True)
class Site:
    """A protected exporter, and how to trust it."""

    exporter: RunningExporter
    trust: ssl.SSLContext


@dataclass(frozen=True)
class Answer:
    """The status of an answer, or 0 if none came, and how long it took."""

    status: int
    seconds: float


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, authority = tmp_path_factory.mktemp("protected"), trustme.CA()
    write_certificate(folder, authority)
    web = write_web_config(folder, TLS_TEXT, users_text(cost=USUAL_COST))
    with running_exporter(folder, flags=[f"--web.config.file={web}"]) as exporter:
        yield Site(exporter, client_context(authority))


async def scrape(site: Site, password: str, host: str) -> Answer:
    """Scrape as Prometheus does, from an address of this machine."""
    credentials = b64encode(f"{USER}:{password}".encode()).decode()
    started = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", site.exporter.port, ssl=site.trust, local_addr=(host, 0)
        )
        head = f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}"
        writer.write(f"{head}\r\n\r\n".encode())
        answer = await reader.read(-1)
        writer.close()
        await writer.wait_closed()
    except OSError:
        answer = b""
    return Answer(int(answer.split(b" ", 2)[1] if answer else 0), time.monotonic() - started)


async def silence_after_handshake(site: Site) -> float:
    """Say nothing after the handshake, and tell after how many seconds that was too long."""
    started = time.monotonic()
    port = site.exporter.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=site.trust)
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    return time.monotonic() - started


@asynccontextmanager
async def guessing(site: Site, guesses_a_second: float) -> AsyncIterator[list[Answer]]:
    """Guess passwords for the user all along; give the answers."""
    answers: list[Answer] = []

    async def guess(number: int) -> None:
        answers.append(await scrape(site, f"guess {number}", GUESSER))

    async def guess_on(group: asyncio.TaskGroup) -> None:
        for number in count():
            group.create_task(guess(number))
            await asyncio.sleep(1 / guesses_a_second)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(guess_on(group))
        yield answers
        task.cancel()


async def scrapes(site: Site, host: str, times: int) -> list[Answer]:
    """Scrape so many times, with pauses of a fifth of a second."""
    answers = []
    for _ in range(times):
        answers.append(await scrape(site, PASSWORD, host))
        await asyncio.sleep(0.2)
    return answers


def slowest(answers: Sequence[Answer]) -> float:
    return max(each.seconds for each in answers)


async def test_silent_clients_and_guessed_passwords_leave_an_honest_scrape_under_a_second(
    site: Site,
) -> None:
    port = site.exporter.port
    async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
        silent = [group.create_task(hold(port, Hold())) for _ in range(SILENT_CLIENTS)]
        silent += [group.create_task(hold(port, HALF_A_HANDSHAKE)) for _ in range(5)]
        silent += [group.create_task(silence_after_handshake(site)) for _ in range(5)]
        async with guessing(site, GUESSES_A_SECOND) as guesses:
            # The first needs its password hashed, among all those guesses.
            honest = await scrapes(site, SCRAPER, 30)

    assert [each.status for each in honest] == [200] * 30
    assert slowest(honest) < SCRAPED_WITHIN_SECONDS * slowdown()
    assert len(guesses) > 80
    assert {each.status for each in guesses} <= {0, 401, 429}
    assert max(each.result() for each in silent) < CLOSED_WITHIN_SECONDS * slowdown()


async def test_flood_of_guesses_is_turned_away_and_another_address_is_let_in(site: Site) -> None:
    async with asyncio.timeout(60.0), guessing(site, 5 * GUESSES_A_SECOND) as guesses:
        await scrapes(site, GUESSER, 5)
        honest = await scrapes(site, OTHER_SCRAPER, 10)

    assert [each.status for each in honest] == [200] * 10
    assert slowest(honest) < SCRAPED_WITHIN_SECONDS * slowdown()
    # On a busy machine some wait until the time limit of a connection.
    assert {each.status for each in guesses} - {0} == {401, 429}


async def test_honest_scraper_behind_the_address_of_thirty_guessers_is_let_in_after_a_start(
    tmp_path: Path,
) -> None:
    authority = trustme.CA()
    write_certificate(tmp_path, authority)
    web = write_web_config(tmp_path, TLS_TEXT, users_text(cost=USUAL_COST))
    guesses: list[Answer] = []
    is_crowded, is_over = asyncio.Event(), asyncio.Event()
    with running_exporter(tmp_path, flags=[f"--web.config.file={web}"]) as exporter:
        cold = Site(exporter, client_context(authority))

        async def guess_on(guesser: int) -> None:
            for number in count():
                if is_over.is_set():
                    return
                answer = await scrape(cold, f"guess {guesser} {number}", SCRAPER)
                guesses.append(answer)
                is_crowded.set()

        async with asyncio.timeout(60.0), asyncio.TaskGroup() as group:
            for guesser in range(30):
                group.create_task(guess_on(guesser))
            await is_crowded.wait()
            # It comes back as Prometheus does; a busy machine may cut the first at the time limit.
            honest = [await scrape(cold, PASSWORD, SCRAPER)]
            while honest[-1].status != 200 and len(honest) < 4:
                honest.append(await scrape(cold, PASSWORD, SCRAPER))
            is_over.set()

    assert honest[-1].status == 200
    assert honest[-1].seconds < 6 * SCRAPED_WITHIN_SECONDS * slowdown()
    assert {each.status for each in guesses} <= {0, 401, 429}


async def test_crowd_under_tls_takes_bounded_memory_and_delays_no_scrape(site: Site) -> None:
    await scrape(site, PASSWORD, SCRAPER)
    before = site.exporter.resident_bytes()
    with connected(site.exporter.port, [Hold()] * 600):
        honest = await scrapes(site, SCRAPER, 5)
        grown = site.exporter.resident_bytes() - before

    assert [each.status for each in honest] == [200] * 5
    assert slowest(honest) < SCRAPED_WITHIN_SECONDS * slowdown()
    assert grown < 80 * MEGABYTE


@pytest.mark.parametrize(
    "sent",
    [b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 70_000],
    ids=["plain HTTP", "junk in a record"],
)
async def test_junk_for_a_handshake_gets_no_page(site: Site, sent: bytes) -> None:
    assert b"HTTP/" not in await exchange(site.exporter.port, sent)


async def test_clients_under_tls_leave_no_descriptor_and_nothing_bad_in_the_log(site: Site) -> None:
    exporter = site.exporter
    await scrape(site, PASSWORD, SCRAPER)
    before = exporter.descriptors()
    with connected(exporter.port, [Hold(), Hold(b"\x16\x03\x01"), Hold(b"GET /")] * 5):
        await scrapes(site, SCRAPER, 3)

    wait_until(lambda: exporter.descriptors() <= before + 1)
    assert "Traceback" not in exporter.log.read_text(encoding="utf-8")
    assert [line for line in exporter.log_lines() if "level=error" in line] == []


def test_log_says_that_it_listens_under_tls(site: Site) -> None:
    (line,) = [line for line in site.exporter.log_lines() if "msg=listening" in line]

    assert f"address=https://127.0.0.1:{site.exporter.port} tls=true" in line


def test_rotated_certificate_is_served_by_the_running_process(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    write_certificate(tmp_path, old)
    web = write_web_config(tmp_path, TLS_TEXT, users_text())
    with running_exporter(tmp_path, flags=[f"--web.config.file={web}"]) as exporter:
        before = asyncio.run(scrape(Site(exporter, client_context(old)), PASSWORD, SCRAPER))
        write_certificate(tmp_path, new)
        renewed = Site(exporter, client_context(new))
        wait_until(lambda: asyncio.run(scrape(renewed, PASSWORD, SCRAPER)).status == 200)

    assert before.status == 200
