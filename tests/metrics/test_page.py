"""What is kept between scrapes must never show on a page."""

import asyncio
import gzip
import re
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest

from exporter.bitopro.market import parse_mark_prices
from exporter.metrics.account import FAMILIES
from exporter.metrics.market import MARKET_FAMILIES
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.text import as_metric
from exporter.state import Account, AccountState
from tests.bitopro.answers import answer_with
from tests.states import ACCOUNT, asked, market, polled

# So many that their page is made in a thread.
COUNT = 70
BODY = answer_with("adRatio", "1.25")


async def plain(exposition: Exposition, format_: Format) -> bytes:
    return b"".join(await exposition.plain(format_))


async def compressed(exposition: Exposition, format_: Format) -> bytes:
    return gzip.decompress(b"".join(await exposition.compressed(format_)))


Scrape = Callable[[Exposition, Format], Coroutine[Any, Any, bytes]]
both_encodings = pytest.mark.parametrize("scrape", [plain, compressed])


class Site:
    """An exposition of many accounts, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.exposition = Exposition(lambda: self.now)


def numbered(number: int) -> Account:
    return replace(ACCOUNT, name=f"account-{number}")


def crowded(body: bytes) -> Site:
    site = Site()
    for number in range(COUNT):
        site.exposition.put(polled(body, account=numbered(number)))
    return site


def lines_of(page: bytes, account: int) -> int:
    return page.count(f'{{account="account-{account}"'.encode())


@pytest.mark.anyio
@both_encodings
async def test_page_of_many_accounts_is_what_prometheus_client_writes(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    site.exposition.put_market(market())
    states = [polled(documented_answer, account=numbered(number)) for number in range(COUNT)]

    class Collected:
        def collect(self) -> list[object]:
            return [
                *(as_metric(family, states) for family in FAMILIES),
                *(as_metric(family, [market()]) for family in MARKET_FAMILIES),
            ]

    page = await scrape(site.exposition, Format.OPENMETRICS)

    assert page == openmetrics_latest(Collected())  # type: ignore[no-untyped-call]  # untyped upstream


@pytest.mark.anyio
@both_encodings
async def test_account_that_changes_after_a_scrape_is_new_in_the_next(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    before = await scrape(site.exposition, Format.TEXT)
    site.exposition.put(polled(answer_with("adRatio", "1.25"), account=numbered(40)))

    after = await scrape(site.exposition, Format.TEXT)

    ratio = b'bitopro_margin_ad_ratio{account="account-40"} '
    assert (ratio + b"5.76\n" in before, ratio + b"1.25\n" in after) == (True, True)
    assert after.replace(ratio + b"1.25\n", ratio + b"5.76\n").count(b" 5.76\n") == COUNT


@pytest.mark.anyio
@both_encodings
async def test_what_grows_stale_after_a_scrape_is_gone_in_the_next(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    site.exposition.put(polled(documented_answer, 30.0, numbered(40)))
    await scrape(site.exposition, Format.TEXT)
    site.now = 45.0

    page = await scrape(site.exposition, Format.TEXT)

    assert page.count(b"bitopro_margin_total_amount{") == page.count(
        b'bitopro_margin_total_amount{account="account-40"'
    )
    assert lines_of(page, 40) > lines_of(page, 41) > 0


@pytest.mark.anyio
@both_encodings
async def test_stale_account_that_answers_again_is_back(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    before = await scrape(site.exposition, Format.TEXT)
    site.now = 45.0
    await scrape(site.exposition, Format.TEXT)
    site.exposition.put(polled(documented_answer, 45.0, numbered(40)))

    after = await scrape(site.exposition, Format.TEXT)

    assert lines_of(after, 40) == lines_of(before, 40)


@pytest.mark.anyio
@both_encodings
async def test_account_that_is_not_kept_leaves_the_page_and_may_come_back(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    before = await scrape(site.exposition, Format.TEXT)

    site.exposition.keep(f"account-{number}" for number in range(COUNT) if number != 40)
    without = await scrape(site.exposition, Format.TEXT)
    site.exposition.put(polled(documented_answer, account=numbered(40)))
    after = await scrape(site.exposition, Format.TEXT)

    assert (lines_of(without, 40), lines_of(after, 40)) == (0, lines_of(before, 40))
    assert sorted(after.splitlines()) == sorted(before.splitlines())


@pytest.mark.anyio
@both_encodings
async def test_prices_and_terms_grow_stale_between_scrapes(scrape: Scrape) -> None:
    site = Site()
    site.exposition.put_market(market())
    pages = [await scrape(site.exposition, Format.TEXT)]
    site.now = 45.0
    pages.append(await scrape(site.exposition, Format.TEXT))
    site.now = 900.0
    pages.append(await scrape(site.exposition, Format.TEXT))

    assert [b"mark_price{" in page for page in pages] == [True, False, False]
    assert [b"borrow_user_limit_amount{" in page for page in pages] == [True, True, False]


@pytest.mark.anyio
@both_encodings
async def test_formats_do_not_mix(documented_answer: bytes, scrape: Scrape) -> None:
    site = crowded(documented_answer)

    first = await scrape(site.exposition, Format.TEXT)
    openmetrics = await scrape(site.exposition, Format.OPENMETRICS)

    assert await scrape(site.exposition, Format.TEXT) == first
    assert (first.count(b"# EOF"), openmetrics.count(b"# EOF")) == (0, 1)


steps = st.lists(
    st.tuples(st.integers(0, COUNT - 1), st.sampled_from([0.0, 1.0, 20.0, 45.0, 180.0])),
    max_size=5,
)


@settings(deadline=None, max_examples=20)
@given(steps=steps)
def test_page_with_any_history_is_the_page_without_it(steps: list[tuple[int, float]]) -> None:
    """Each step is an account that is polled and how long nothing happens after that."""
    site = Site()
    states = {number: AccountState(numbered(number)) for number in range(COUNT)}
    for state in states.values():
        site.exposition.put(state)
    for number, seconds in steps:
        states[number] = asked(polled(BODY, site.now, numbered(number)), site.now)
        site.exposition.put(states[number])
        asyncio.run(compressed(site.exposition, Format.TEXT))
        site.now += seconds

    fresh = Exposition(lambda: site.now)
    for state in states.values():
        fresh.put(state)

    page = fresh.page(Format.TEXT)
    assert asyncio.run(compressed(site.exposition, Format.TEXT)) == page
    assert asyncio.run(plain(site.exposition, Format.TEXT)) == page


def of_generation(number: int, account: int) -> AccountState:
    body = answer_with("adRatio", f"{number}.5", accountStatus=number, marginStatus=number)
    return polled(body, account=numbered(account))


@pytest.mark.anyio
@both_encodings
async def test_page_is_of_one_moment_though_accounts_change_while_it_is_made(
    scrape: Scrape,
) -> None:
    site = Site()

    async def swap() -> None:
        for generation in count(2):
            for account in range(COUNT):
                site.exposition.put(of_generation(generation, account))
            await asyncio.sleep(0)

    for account in range(COUNT):
        site.exposition.put(of_generation(1, account))
    swapper = asyncio.create_task(swap())
    page = (await scrape(site.exposition, Format.TEXT)).decode()
    swapper.cancel()

    values = re.findall(r'(?:ad_ratio|_status){account="account-\d+"} (.+)', page)
    assert len(values) == 3 * COUNT
    assert len({float(value) // 1 for value in values}) == 1


@pytest.mark.anyio
@both_encodings
async def test_account_that_changes_while_a_page_is_made_is_new_in_the_next(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    during = asyncio.create_task(scrape(site.exposition, Format.TEXT))
    await asyncio.sleep(0)
    site.exposition.put(polled(BODY, account=numbered(0)))

    # The first of them waits for the page that is being made, and must not be content with it.
    pages = await asyncio.gather(during, *(scrape(site.exposition, Format.TEXT) for _ in range(3)))

    changed = b'bitopro_margin_ad_ratio{account="account-0"} 1.25\n'
    assert [changed in page for page in pages] == [False, True, True, True]


@pytest.mark.anyio
@both_encodings
async def test_reload_while_a_page_is_made_shows_all_or_nothing(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    during = asyncio.create_task(scrape(site.exposition, Format.TEXT))
    await asyncio.sleep(0)
    last = COUNT - 1
    site.exposition.keep(f"account-{number}" for number in range(1, last))
    site.exposition.put(polled(documented_answer, account=numbered(1000)))

    before, after = await during, await scrape(site.exposition, Format.TEXT)

    each = lines_of(after, 1)
    assert [lines_of(before, number) for number in (0, last, 1000)] == [each, each, 0]
    assert [lines_of(after, number) for number in (0, last, 1000)] == [0, 0, each]


@pytest.mark.anyio
@both_encodings
async def test_what_expires_while_a_page_is_made_is_not_on_it(
    documented_answer: bytes, scrape: Scrape
) -> None:
    site = crowded(documented_answer)
    site.exposition.put(polled(documented_answer, 30.0, numbered(40)))
    scraping = asyncio.create_task(scrape(site.exposition, Format.TEXT))
    await asyncio.sleep(0)
    site.now = 45.0

    page = await scraping

    ratios = re.findall(rb'^bitopro_margin_ad_ratio{account="(.*)"}', page, re.MULTILINE)
    assert ratios == [b"account-40"]


@pytest.mark.anyio
@both_encodings
async def test_page_comes_though_one_account_after_another_expires(
    documented_answer: bytes, scrape: Scrape
) -> None:
    # Reading this clock takes longer than the next account has left.
    readings = count()
    exposition = Exposition(lambda: next(readings) * 0.05)
    for number in range(COUNT):
        exposition.put(polled(documented_answer, number * 0.03 - 44.0, numbered(number)))

    page = await scrape(exposition, Format.TEXT)

    assert b'bitopro_margin_ad_ratio{account="account-69"}' in page


@pytest.mark.anyio
async def test_scrapes_that_come_together_share_one_page(documented_answer: bytes) -> None:
    site = crowded(documented_answer)

    pages = await asyncio.gather(*(site.exposition.compressed(Format.TEXT) for _ in range(20)))

    assert len({id(parts[0]) for parts in pages}) == 1


@pytest.mark.anyio
async def test_page_is_one_member_of_gzip(documented_answer: bytes) -> None:
    site = crowded(documented_answer)

    for _ in range(2):
        body = b"".join(await site.exposition.compressed(Format.OPENMETRICS))

        # A reader of one member sees all, and nothing is left for another.
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        assert reader.decompress(body) == site.exposition.page(Format.OPENMETRICS)
        assert (reader.eof, reader.unused_data) == (True, b"")


@pytest.mark.anyio
@both_encodings
async def test_page_comes_where_no_thread_can_be_started(
    documented_answer: bytes, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    site = crowded(documented_answer)
    monkeypatch.setattr(Thread, "start", refuse)

    page = await scrape(site.exposition, Format.TEXT)

    assert page == site.exposition.page(Format.TEXT)


@pytest.mark.anyio
@both_encodings
async def test_price_that_changes_after_a_scrape_is_new_in_the_next(scrape: Scrape) -> None:
    site = Site()
    site.exposition.put_market(market())
    await scrape(site.exposition, Format.TEXT)
    other = parse_mark_prices(b'{"tokenPrices": {"BTC": {"currency": "BTC", "price": "1.5"}}}')
    site.exposition.put_market(market().after(other, 0.0))

    page = await scrape(site.exposition, Format.TEXT)

    assert b'bitopro_margin_mark_price{currency="BTC",unit="USDT"} 1.5\n' in page


@pytest.mark.anyio
async def test_small_page_is_compressed_as_a_whole(documented_answer: bytes) -> None:
    site = Site()
    site.exposition.put(polled(documented_answer))

    body = b"".join(await site.exposition.compressed(Format.TEXT))

    assert len(body) < 1.1 * len(zlib.compress(gzip.decompress(body), 1))
