"""SIGHUP reloads the configuration of the running process, and ends it in no phase of its life."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from exporter.simulator import Simulator
from tests.machine import slowdown
from tests.process.conftest import Starter
from tests.process.running import BROKEN, Page, Running, config_file, environment, until

SUCCESSFUL = "exporter_config_last_reload_successful"
SCRAPED_WITHIN_SECONDS = 1.0
RELOADS = 20
SCRAPERS = 4


def accounts_on(page: Page) -> int:
    return page.text.count("\nbitopro_margin_up{")


def configured(exporter: Running, tmp_path: Path, simulator: Simulator, accounts: int) -> Page:
    """Rewrite the configuration, tell the process, and wait until it has so many accounts."""
    config_file(tmp_path, simulator.base_url, accounts)
    exporter.send(signal.SIGHUP)

    def report() -> Page | None:
        page = exporter.page()
        return page if accounts_on(page) == accounts else None

    return until(report, f"{accounts} accounts in {exporter.stderr}")


def test_hangup_reloads_the_configuration(
    start: Starter, tmp_path: Path, simulator: Simulator
) -> None:
    exporter = start(accounts=1)
    exporter.shows('up{account="account-1"}', 1)

    more = configured(exporter, tmp_path, simulator, 3)
    exporter.shows('up{account="account-3"}', 1)
    fewer = configured(exporter, tmp_path, simulator, 1)

    assert more.value('up{account="account-1"}') == 1
    assert fewer.value('up{account="account-1"}') == 1
    assert fewer.value('up{account="account-3"}') is None
    # The page may be ahead of the log, which another thread writes.
    exporter.logged("added=account-2,account-3")
    exporter.logged("removed=account-2,account-3")
    assert exporter.end_by(signal.SIGTERM)[0] == 0
    assert "task failed unexpectedly; exiting" not in exporter.stderr


def test_bad_file_leaves_the_old_configuration_and_every_problem_in_the_log(
    start: Starter, tmp_path: Path
) -> None:
    exporter = start(accounts=1)
    exporter.shows('up{account="account-1"}', 1)
    (tmp_path / "config.yml").write_text("acounts: []\npoll_interval: 5\n")

    exporter.send(signal.SIGHUP)
    exporter.logged("there is no such key .did you mean accounts")
    exporter.logged("a duration with its unit was expected")

    page = exporter.shows('polls_total{account="account-1"}', 3)
    assert page.value(SUCCESSFUL) == 0
    assert page.value('up{account="account-1"}') == 1


def test_hangup_before_it_serves_is_obeyed_once_it_does(
    start: Starter, tmp_path: Path, simulator: Simulator
) -> None:
    exporter = start(accounts=1)
    until(lambda: exporter.handles(signal.SIGHUP), "a handler is in place")
    config_file(tmp_path, simulator.base_url, 2)

    exporter.send(signal.SIGHUP)

    exporter.shows('up{account="account-2"}', 1)


def test_rotated_secret_is_noticed(start: Starter, tmp_path: Path) -> None:
    exporter = start(accounts=1)
    exporter.shows('up{account="account-1"}', 1)
    (tmp_path / "secret").write_text("wrong-secret")
    exporter.send(signal.SIGHUP)
    exporter.shows('poll_failures_total{account="account-1",reason="auth"}', 1)

    (tmp_path / "secret").write_text("demo-secret")
    exporter.send(signal.SIGHUP)

    # Rejected credentials are tried once a minute unless they are others.
    exporter.shows('up{account="account-1"}', 1)


@dataclass(frozen=True)
class Scraped:
    """What one scrape brought: how long it took, and the accounts that were up and on the page."""

    seconds: float
    up: int
    shown: int


async def _scrape_on(address: str, stop: asyncio.Event) -> list[Scraped]:
    loop, scraped = asyncio.get_running_loop(), []
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        while not stop.is_set():
            started = loop.time()
            page = (await client.get(f"{address}/metrics")).raise_for_status().text
            up = sum(f'\nbitopro_margin_up{{account="account-{n}"}} 1.0' in page for n in (1, 2))
            scraped.append(
                Scraped(loop.time() - started, up, page.count("\nbitopro_margin_ad_ratio{"))
            )
            await asyncio.sleep(0.02)
    return scraped


async def _reload_often(exporter: Running, folder: Path, base_url: str) -> list[Scraped]:
    """Reload by turns with two, five and eight accounts, while scrapers look on."""
    address, stop = exporter.address(), asyncio.Event()
    async with asyncio.timeout(120.0), asyncio.TaskGroup() as group:
        scrapers = [group.create_task(_scrape_on(address, stop)) for _ in range(SCRAPERS)]
        for number in range(RELOADS):
            config_file(folder, base_url, (2, 5, 8)[number % 3])
            exporter.send(signal.SIGHUP)
            await asyncio.sleep(0.2)
        stop.set()
    return [each for scraper in scrapers for each in scraper.result()]


def test_reloads_under_load_lose_no_scrape_and_no_account(
    start: Starter, tmp_path: Path, simulator: Simulator
) -> None:
    exporter = start(accounts=2)
    exporter.shows('up{account="account-1"}', 1)
    before = exporter.shows('up{account="account-2"}', 1)

    scraped = asyncio.run(_reload_often(exporter, tmp_path, simulator.base_url))
    after = configured(exporter, tmp_path, simulator, 2)

    assert len(scraped) > 50
    assert {each.up for each in scraped} == {2}
    assert min(each.shown for each in scraped) >= 2
    assert max(each.seconds for each in scraped) < SCRAPED_WITHIN_SECONDS * slowdown()
    polls = 'polls_total{account="account-1"}'
    assert after.count(polls) > before.count(polls)
    assert exporter.end_by(signal.SIGTERM)[0] == 0
    assert "poll failed" not in exporter.stderr
    assert "Traceback" not in exporter.stderr


@pytest.mark.parametrize("bug", ["exception", "stray-cancellation", "hung-cleanup"])
def test_poller_that_came_later_is_as_deadly_when_it_dies(
    start: Starter, tmp_path: Path, simulator: Simulator, bug: str
) -> None:
    # Nothing listens there, so the first poller meets no answer, and with it no bug.
    config_file(tmp_path, "http://127.0.0.1:9/v3", 1)
    flag = f"--config.file={tmp_path / 'config.yml'}"
    exporter = start(flag, command=(*BROKEN, bug), variables={})
    exporter.shows('poll_failures_total{account="account-1",reason="network"}', 1)
    simulator.fault = "label-unknown"

    config_file(tmp_path, simulator.base_url, 2)
    exporter.send(signal.SIGHUP)

    ended = exporter.end()
    assert ended.code == 70
    assert ended.at - float(exporter.stdout.splitlines()[0]) < slowdown()


def test_end_is_not_delayed_by_a_reload(start: Starter) -> None:
    exporter = start(accounts=8)
    exporter.shows('up{account="account-8"}', 1)
    exporter.send(signal.SIGHUP)

    code, seconds = exporter.end_by(signal.SIGTERM)

    assert code == 0
    assert seconds < 3.0 * slowdown()


@pytest.mark.parametrize("variables", [{}, {"BITOPRO_THRESHOLD_WARNING": "2"}])
def test_account_of_the_environment_goes_on_after_a_hangup(
    start: Starter, simulator: Simulator, variables: dict[str, str]
) -> None:
    exporter = start(variables=environment(simulator.base_url, **variables))
    exporter.shows('up{account="default"}', 1)

    exporter.send(signal.SIGHUP)
    exporter.logged("configuration reloaded")

    assert exporter.page().value('up{account="default"}') == 1


def test_reload_over_http_needs_its_flag(start: Starter, simulator: Simulator) -> None:
    without = start()
    another = environment(simulator.base_url, BITOPRO_API_KEY="demo-key-1")
    with_flag = start("--web.enable-lifecycle", variables=another)

    assert httpx.post(f"{without.address()}/-/reload", trust_env=False).status_code == 404
    assert httpx.post(f"{with_flag.address()}/-/reload", trust_env=False).status_code == 200
