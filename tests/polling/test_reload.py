"""A configuration that is reloaded while everything runs, over real sockets."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.settings import Settings, load_settings
from exporter.config.shards import ONLY_SHARD, Shard, shard_of
from exporter.polling.reload import ReloadOptions, ReloadSignal
from exporter.simulator import Simulator, SimulatorConfig
from tests.exporting import Page, Target, exporting

pytestmark = pytest.mark.anyio

SUCCESSFUL = "bitopro_margin_exporter_config_last_reload_successful"
TIMESTAMP = "bitopro_margin_exporter_config_last_reload_success_timestamp_seconds"


class Operator:
    """Writes the configuration. An account is named after its key unless it is renamed."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.file = folder / "config.yml"
        self._folder = folder
        self._base_url = base_url
        self.secret("secret", "demo-secret")

    def secret(self, name: str, text: str) -> None:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o600)

    def account(self, number: int, **others: object) -> dict[str, Any]:
        self.secret(f"key-{number}", f"demo-key-{number}")
        return {
            "name": f"account-{number}",
            "api_key_file": f"key-{number}",
            "api_secret_file": "secret",
            "email": "demo@example.com",
            "base_url": self._base_url,
            **others,
        }

    def write(self, *accounts: dict[str, Any], **others: object) -> None:
        settings = {"poll_interval": "1s", "stale_after": "1m", **others}
        self.file.write_text(yaml.safe_dump({**settings, "accounts": list(accounts)}))


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    config = SimulatorConfig(port=0, accounts=8, rate_limit=1_000_000, scenario="calm")
    async with Simulator(config) as running:
        yield running


@pytest.fixture
def operator(tmp_path: Path, simulator: Simulator) -> Operator:
    return Operator(tmp_path, simulator.base_url)


@asynccontextmanager
async def running(
    operator: Operator,
    shard: Shard = ONLY_SHARD,
    load: Callable[[Path, Shard], Settings] = load_settings,
    deadline_seconds: float = 30.0,
) -> AsyncIterator[Target]:
    """Run an exporter of the operator's file, which is reloaded over HTTP."""
    options = ReloadOptions(
        lambda: load(operator.file, shard),
        ReloadSignal(),
        is_open_to_http=True,
        deadline_seconds=deadline_seconds,
    )
    async with exporting(load_settings(operator.file, shard), options) as target:
        yield target


def names(page: Page) -> list[str]:
    return sorted(
        {key.split("'account', '")[1].split("'")[0] for key in page if "'account', '" in key}
    )


def of(page: Page, family: str, account: str = "account-1", **labels: str) -> float | None:
    return page.get(f"bitopro_margin_{family}{sorted({'account': account, **labels}.items())}")


async def until_up(target: Target, *accounts: str) -> Page:
    """Scrape until all of these accounts are up, and give that page."""
    async with asyncio.timeout(20.0):
        while True:
            page = await target.page()
            if all(of(page, "up", each) == 1.0 for each in accounts):
                return page


async def reloaded(target: Target) -> Page:
    """Reload, and give the first page after that."""
    answer = await target.reload()
    assert (answer.status_code, answer.text) == (200, "reloaded\n")
    return await target.page()


async def test_account_that_comes_is_polled_beside_the_others(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        before = await until_up(target, "account-1")

        operator.write(operator.account(1), operator.account(2))
        after = await reloaded(target)
        await until_up(target, "account-1", "account-2")

    assert names(after) == ["account-1", "account-2"]
    assert (of(after, "polls_total") or 0.0) >= (of(before, "polls_total") or 0.0) > 0.0


async def test_many_reloads_in_a_row_put_no_poll_off(operator: Operator) -> None:
    operator.write(operator.account(1), operator.account(2), requests_per_minute=120)
    async with running(operator) as target:
        await until_up(target, "account-1", "account-2")
        for number in range(80):
            thresholds = {"warning": 1.5 + number % 2}
            operator.write(
                operator.account(1, thresholds=thresholds),
                operator.account(2, thresholds=thresholds),
                requests_per_minute=120,
            )
            page = await reloaded(target)

        # Were their slots lost, the next poll would come after most of a minute.
        await target.until(
            (of(page, "polls_total") or 0.0) + 1, "bitopro_margin_polls_total", account="account-1"
        )

    assert of(page, "up") == 1.0


async def test_account_that_goes_leaves_no_series(operator: Operator) -> None:
    operator.write(operator.account(1), operator.account(2))
    async with running(operator) as target:
        await until_up(target, "account-1", "account-2")

        operator.write(operator.account(1))
        after = await reloaded(target)
        later = await until_up(target, "account-1")

    assert names(after) == ["account-1"]
    assert of(after, "ad_ratio") is not None
    assert names(later) == ["account-1"]


async def test_account_that_comes_back_starts_anew(
    operator: Operator, simulator: Simulator
) -> None:
    operator.write(operator.account(1), operator.account(2))
    async with running(operator) as target:
        await until_up(target, "account-1", "account-2")
        operator.write(operator.account(1))
        await reloaded(target)

        simulator.fault = "status-503"
        operator.write(operator.account(1), operator.account(2))
        after = await reloaded(target)
        simulator.fault = None
        await until_up(target, "account-2")

    assert_is_new(after, "account-2")


def assert_is_new(page: Page, account: str) -> None:
    """Nothing is known of the account yet: all polls since it came, if any, met an outage."""
    assert of(page, "last_success_timestamp_seconds", account) == 0.0
    assert of(page, "ad_ratio", account) is None


async def test_renamed_account_is_a_new_one(operator: Operator, simulator: Simulator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")

        simulator.fault = "status-503"
        operator.write(operator.account(1, name="renamed"))
        after = await reloaded(target)
        simulator.fault = None
        await until_up(target, "renamed")

    assert names(after) == ["renamed"]
    assert_is_new(after, "renamed")


async def test_thresholds_change_at_once_and_values_stay(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        before = await until_up(target, "account-1")

        operator.write(operator.account(1, thresholds={"warning": 2.5}))
        after = await reloaded(target)
        async with asyncio.timeout(20.0):
            while (await target.value("bitopro_margin_polls_total", account="account-1")) == of(
                after, "polls_total"
            ):
                pass

    assert of(before, "ad_ratio_threshold", level="warning") == 1.5
    assert of(after, "ad_ratio_threshold", level="warning") == 2.5
    assert of(after, "ad_ratio_threshold_assumed", level="warning") == 0.0
    assert of(after, "ad_ratio") is not None
    assert of(after, "up") == 1.0
    assert (of(after, "polls_total") or 0.0) >= (of(before, "polls_total") or 0.0) > 0.0


async def test_shorter_interval_is_obeyed_before_the_longer_one_is_over(
    operator: Operator,
) -> None:
    operator.write(operator.account(1), poll_interval="10m", stale_after="30m")
    async with running(operator) as target:
        await until_up(target, "account-1")

        operator.write(operator.account(1), poll_interval="1s")
        after = await reloaded(target)
        await target.until(3.0, "bitopro_margin_polls_total", account="account-1")

    assert of(after, "poll_interval_seconds") == 1.0
    assert of(after, "stale_after_seconds") == 60.0


async def test_account_that_is_as_it_was_keeps_its_connection(
    operator: Operator, simulator: Simulator
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")
        connections = simulator.connections

        await reloaded(target)
        await reloaded(target)
        await target.until(3.0, "bitopro_margin_polls_total", account="account-1")

    assert simulator.connections == connections


async def test_mended_key_is_tried_at_once(operator: Operator) -> None:
    account = operator.account(1)
    operator.secret("key-1", "no-such-key")
    operator.write(account)
    async with running(operator) as target:
        await target.until(
            1.0, "bitopro_margin_poll_failures_total", account="account-1", reason="auth"
        )

        # Without a reload, the next poll comes in a minute.
        operator.secret("key-1", "demo-key-1")
        await reloaded(target)
        page = await until_up(target, "account-1")

    assert of(page, "poll_failures_total", reason="auth") == 1.0


async def test_key_in_another_file_is_used(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")

        operator.secret("other", "demo-key-1")
        operator.write(operator.account(1, api_key_file="other"))
        after = await reloaded(target)
        (operator.file.parent / "key-1").unlink()
        await target.until(
            (of(after, "polls_total") or 0.0) + 2.0,
            "bitopro_margin_polls_total",
            account="account-1",
        )

        assert of(await target.page(), "up") == 1.0


async def test_key_of_another_account_does_not_pass_for_this_one(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")

        operator.secret("key-1", "demo-key-2")
        await reloaded(target)
        await target.until(
            1.0, "bitopro_margin_poll_failures_total", account="account-1", reason="wrong_account"
        )
        page = await target.page()

    assert of(page, "ad_ratio") is None
    assert of(page, "up") == 0.0


async def test_second_key_of_an_account_is_refused(
    operator: Operator, simulator: Simulator
) -> None:
    # Whatever key asks, the answer is for the same account of the exchange.
    simulator.fault = "another-account"
    operator.write(operator.account(1), operator.account(2))
    async with running(operator) as target:
        await target.until(
            1.0, "bitopro_margin_poll_failures_total", account="account-2", reason="wrong_account"
        )
        page = await target.page()
        status = (await target.reload("GET", "/")).text

        operator.write(operator.account(2))
        await reloaded(target)
        await until_up(target, "account-2")

    assert of(page, "up", "account-1") == 1.0
    assert of(page, "up", "account-2") == 0.0
    assert of(page, "ad_ratio", "account-1") is not None
    assert of(page, "ad_ratio", "account-2") is None
    assert "the exchange&#x27;s account that account-1 already watches" in status


async def test_renamed_account_may_watch_what_it_watched(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")
        operator.write(operator.account(1, name="renamed"))
        await reloaded(target)
        page = await until_up(target, "renamed")

    assert of(page, "poll_failures_total", "renamed", reason="wrong_account") == 0.0


@pytest.mark.parametrize("name", ["account-2", "renamed"])
async def test_account_that_comes_back_waits_as_its_key_was_told(
    name: str, operator: Operator, simulator: Simulator
) -> None:
    operator.write(operator.account(1), operator.account(2))
    async with running(operator) as target:
        await until_up(target, "account-1", "account-2")
        simulator.fault = "retry-after-date"
        await target.until(
            1.0, "bitopro_margin_poll_failures_total", account="account-2", reason="rate_limited"
        )
        simulator.fault = None
        operator.write(operator.account(1))
        await reloaded(target)
        operator.write(operator.account(1), operator.account(2, name=name), operator.account(3))
        await reloaded(target)
        page = await until_up(target, "account-3")

    # One that was not told is polled at once; the other is not before a minute and a half is over.
    assert of(page, "polls_total", name) == 0.0


async def test_account_at_another_exchange_is_another_account(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with (
        Simulator(SimulatorConfig(port=0, accounts=8, fault="status-503")) as other,
        running(operator) as target,
    ):
        await until_up(target, "account-1")

        operator.write(operator.account(1, base_url=other.base_url))
        after = await reloaded(target)
        other.fault = None
        await until_up(target, "account-1")

    assert_is_new(after, "account-1")


async def test_shard_takes_its_own_of_the_new_accounts(operator: Operator) -> None:
    operator.write(operator.account(1))
    ours = [n for n in range(1, 9) if shard_of(f"account-{n}", 2) == 0]
    async with running(operator, Shard(0, 2)) as target:
        operator.write(*(operator.account(n) for n in range(1, 9)))
        after = await reloaded(target)

    assert names(after) == [f"account-{n}" for n in ours]


async def test_bad_file_leaves_the_old_configuration_running_and_is_told(
    operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        before = await until_up(target, "account-1")
        operator.file.write_text("poll_interval: 5\nacounts: []\n")

        answer = await target.reload()
        bad = await target.page()
        operator.write(operator.account(1))
        good = await reloaded(target)

    problems = [
        f"{operator.file}: poll_interval: a duration with its unit was expected, such as 15s, "
        "1m30s or 500ms",
        f"{operator.file}: accounts: is missing",
        f"{operator.file}: acounts: there is no such key (did you mean accounts?)",
    ]
    assert answer.status_code == 500
    assert answer.text.splitlines() == ["the old configuration goes on", *problems]
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [vars(each)["detail"] for each in errors] == problems
    assert (before[f"{SUCCESSFUL}[]"], bad[f"{SUCCESSFUL}[]"]) == (1.0, 0.0)
    assert bad[f"{TIMESTAMP}[]"] == before[f"{TIMESTAMP}[]"]
    assert of(bad, "up") == 1.0
    assert good[f"{SUCCESSFUL}[]"] == 1.0
    assert good[f"{TIMESTAMP}[]"] > bad[f"{TIMESTAMP}[]"]


@pytest.mark.parametrize("spoilt", ["key-2", "secret"])
async def test_secret_that_is_gone_spoils_the_reload_and_no_account(
    operator: Operator, spoilt: str
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")
        operator.write(operator.account(1), operator.account(2))
        (operator.file.parent / spoilt).unlink()

        answer = await target.reload()
        page = await target.page()

    assert answer.status_code == 500
    assert "cannot read" in answer.text
    assert names(page) == ["account-1"]
    assert of(page, "up") == 1.0


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), ValueError("bug")])
async def test_loading_that_breaks_spoils_the_reload_alone(
    operator: Operator, error: Exception
) -> None:
    def load(_path: Path, _shard: Shard) -> Settings:
        raise error

    operator.write(operator.account(1))
    async with running(operator, load=load) as target:
        answer = await target.reload()
        page = await until_up(target, "account-1")

    assert answer.status_code == 500
    assert answer.text.splitlines()[1] == "it cannot be loaded; the log says why"
    assert page[f"{SUCCESSFUL}[]"] == 0.0


@pytest.mark.parametrize("base_url", ["https://256.0.0.1/v3", "https://xn--a/v3", "https://a..b"])
async def test_account_that_cannot_be_asked_spoils_the_reload_alone(
    operator: Operator, base_url: str
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")
        operator.write(operator.account(1), operator.account(2, base_url=base_url))

        answer = await target.reload()
        page = await until_up(target, "account-1")

    assert answer.status_code == 500
    assert answer.text.splitlines()[1] == (
        f"{operator.file}: accounts[1].base_url: not a URL; an example is "
        "https://api.bitopro.com/v3"
    )
    assert names(page) == ["account-1"]
    assert page[f"{SUCCESSFUL}[]"] == 0.0


async def test_account_that_cannot_be_built_spoils_the_reload_alone(operator: Operator) -> None:
    """Whatever the reason: here, a URL that no check has seen."""

    def load(path: Path, shard: Shard) -> Settings:
        settings = load_settings(path, shard)
        first, second = settings.accounts
        account = replace(second.account, base_url="https://256.0.0.1/v3")
        return replace(settings, accounts=(first, replace(second, account=account)))

    operator.write(operator.account(1))
    async with running(operator, load=load) as target:
        before = await until_up(target, "account-1")
        operator.write(operator.account(1, thresholds={"warning": 2}), operator.account(2))
        answer = await target.reload()
        page = await until_up(target, "account-1")

    assert answer.status_code == 500
    assert answer.text.splitlines()[1:] == [
        "account account-2: no request can be built for it; the log says why"
    ]
    assert names(page) == ["account-1"]
    assert of(page, "ad_ratio_threshold", level="warning") == of(
        before, "ad_ratio_threshold", level="warning"
    )
    assert page[f"{SUCCESSFUL}[]"] == 0.0


async def test_files_that_are_never_read_spoil_the_reload_and_none_after_it(
    operator: Operator,
) -> None:
    is_over, hanging = threading.Event(), True

    def load(path: Path, shard: Shard) -> Settings:
        if hanging:
            is_over.wait()
        return load_settings(path, shard)

    operator.write(operator.account(1))
    async with running(operator, load=load, deadline_seconds=0.1) as target:
        answers = [await target.reload() for _ in range(6)]
        bad = await until_up(target, "account-1")
        hanging = False
        is_over.set()
        async with asyncio.timeout(20.0):
            while (await target.reload()).status_code != 200:
                pass
        good = await target.page()

    late = "its files were not read within 0.1 s; look at the disk or network that they are on"
    many = "earlier reloads still wait for files; look at the disks or the network"
    assert [each.status_code for each in answers] == [500] * 6
    assert [each.text.splitlines()[1] for each in answers] == [late] * 4 + [many] * 2
    assert bad[f"{SUCCESSFUL}[]"] == 0.0
    assert good[f"{SUCCESSFUL}[]"] == 1.0


@pytest.mark.parametrize("name", ["config.yml", "key-1"])
async def test_fifo_in_the_place_of_a_file_spoils_the_reload_and_none_after_it(
    operator: Operator, name: str
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        await until_up(target, "account-1")
        path = operator.file.parent / name
        path.unlink()
        os.mkfifo(path)

        answer = await target.reload()
        bad = await target.page()
        path.unlink()
        operator.write(operator.account(1))
        await reloaded(target)

    assert answer.status_code == 500
    assert f"{path} is a fifo, which is what <(...) makes" in answer.text
    assert bad[f"{SUCCESSFUL}[]"] == 0.0


async def test_crowd_of_requests_is_two_reloads(operator: Operator) -> None:
    loads: list[Path] = []

    def load(path: Path, shard: Shard) -> Settings:
        loads.append(path)
        return load_settings(path, shard)

    operator.write(operator.account(1))
    async with running(operator, load=load) as target:
        answers = await asyncio.gather(*(target.reload() for _ in range(20)))

    assert {each.status_code for each in answers} == {200}
    # Connections come over a moment, so a few more may find none that waits.
    assert 1 <= len(loads) < 10


async def test_hangup_that_came_before_there_was_a_loop_is_obeyed() -> None:
    reload_signal, obeyed = ReloadSignal(), asyncio.Event()
    os.kill(os.getpid(), signal.SIGHUP)

    reload_signal.call(asyncio.get_running_loop(), obeyed.set)

    assert obeyed.is_set()


async def test_reload_is_a_post_and_ignores_parameters(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        got = await target.reload("GET")
        asked = await target.reload(path="/-/reload?force=1")

    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (asked.status_code, asked.text) == (200, "reloaded\n")


async def test_status_page_says_that_the_configuration_on_disk_was_refused(
    operator: Operator,
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        before = (await target.reload("GET", "/")).text
        operator.write(operator.account(1, base_url="broken"))
        await target.reload()
        refused = (await target.reload("GET", "/")).text
        operator.write(operator.account(1))
        await target.reload()
        after = (await target.reload("GET", "/")).text

    assert ["Configuration refused" in each for each in (before, refused, after)] == [
        False,
        True,
        False,
    ]
    assert "broken" not in refused


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://localhost"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://proxy.example"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({}, 200),
    ],
)
async def test_pages_of_other_sites_cannot_reload(
    operator: Operator, headers: Mapping[str, str], status: int
) -> None:
    operator.write(operator.account(1))
    async with running(operator) as target:
        assert (await target.reload(headers=headers)).status_code == status
        own = {"origin": f"http://{target.address}"}
        assert (await target.reload(headers=own)).status_code == 200


async def test_reload_is_off_unless_it_is_enabled(operator: Operator) -> None:
    operator.write(operator.account(1))
    async with exporting(load_settings(operator.file)) as target:
        answer = await target.reload()

    assert answer.status_code == 404
    assert answer.text == "off; start with --web.enable-lifecycle, or send SIGHUP\n"
