"""Copies of earlier answers, by what caches say and by a `Date` that does not advance."""

import ssl
from email.utils import formatdate

import httpx
import pytest

from exporter.bitopro.client import KnownExchanges
from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS, Endpoint, OptionalResponse
from exporter.bitopro.transport import Connection
from exporter.errors import CachedError
from tests.bitopro.answers import example
from tests.clocks import ManualClock
from tests.exchanges import exchange_at

pytestmark = pytest.mark.anyio

INTERVAL_SECONDS = 15.0


class Dated:
    """An exchange whose clock is `server_seconds` ahead of the true time, or a cache before it.

    While `frozen`, it repeats the `Date` of that moment.
    """

    def __init__(self, before: "Dated | None" = None) -> None:
        self.time: ManualClock = before.time if before else ManualClock()
        self.exchanges: KnownExchanges = before.exchanges if before else KnownExchanges()
        self.frozen: float | None = before.frozen if before else None
        # What stands where the date would; the date itself by default.
        self.text: str | None = "date"
        self.requests: list[httpx.Request] = []
        self.server_seconds = 0.0
        self.exchange = exchange_at(
            "https://exchange.example/v3",
            Connection(ssl.create_default_context(), httpx.MockTransport(self._respond)),
            clock=self.time.clock,
            dates=self.exchanges.dates("https://exchange.example/v3"),
        )
        # The true time, which steps of the wall clock do not move.
        self._offset = self.time.wall_seconds - self.time.monotonic_seconds

    @property
    def date_seconds(self) -> float:
        return self.time.monotonic_seconds + self._offset + self.server_seconds

    def freeze(self) -> None:
        self.frozen = self.date_seconds

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        date = formatdate(self.date_seconds if self.frozen is None else self.frozen, usegmt=True)
        name = request.url.path.removeprefix("/v3/margin/")
        headers = {"content-type": "application/json"}
        if self.text is not None:
            headers["date"] = date if self.text == "date" else self.text
        return httpx.Response(200, content=example(name), headers=headers)

    async def outcomes(self, polls: int, interval_seconds: float = INTERVAL_SECONDS) -> str:
        """Poll at the interval: `.` for an answer that was taken, `c` for one that was refused."""
        outcomes = ""
        for _ in range(polls):
            self.time.advance(interval_seconds)
            try:
                await self.exchange.fetch(BALANCES)
            except CachedError:
                outcomes += "c"
            else:
                outcomes += "."
        return outcomes


async def test_the_same_bytes_again_and_again_are_refused_from_the_second_on() -> None:
    dated = Dated()
    dated.freeze()
    dated.time.advance(-INTERVAL_SECONDS)

    assert await dated.outcomes(40) == "." + "c" * 39


async def test_replay_is_refused_whatever_our_wall_clock_says() -> None:
    dated = Dated()
    assert await dated.outcomes(2) == ".."

    dated.freeze()
    dated.time.wall_seconds -= 3600.0

    assert await dated.outcomes(40) == "c" * 40


async def test_answer_after_a_replay_is_taken_at_once() -> None:
    dated = Dated()
    await dated.outcomes(2)
    dated.freeze()
    await dated.outcomes(3)

    dated.frozen = None

    assert await dated.outcomes(3) == "..."


async def test_cache_that_is_filled_anew_now_and_then_is_seen_through() -> None:
    dated = Dated()
    seen = await dated.outcomes(1)
    for _ in range(10):
        dated.freeze()
        seen += await dated.outcomes(7)
        dated.frozen = None
        seen += await dated.outcomes(1)

    assert seen == "." + "ccccccc." * 10


@pytest.mark.parametrize("step_seconds", [3600.0, -3600.0])
async def test_step_of_our_wall_clock_changes_nothing(step_seconds: float) -> None:
    dated = Dated()
    await dated.outcomes(2)

    dated.time.wall_seconds += step_seconds

    assert await dated.outcomes(5) == "....."


async def test_first_answer_with_a_date_an_hour_old_is_refused() -> None:
    dated = Dated()
    dated.server_seconds = -3600.0

    with pytest.raises(CachedError, match="3600 s behind .* sooner than a wrong clock") as caught:
        await dated.exchange.fetch(BALANCES)

    assert caught.value.clock_skew_seconds == 3600.0


async def test_our_own_clock_an_hour_ahead_from_the_start_blinds_until_it_is_right() -> None:
    dated = Dated()
    dated.time.wall_seconds += 3600.0
    assert await dated.outcomes(40) == "c" * 40

    dated.time.wall_seconds -= 3600.0

    assert await dated.outcomes(3) == "..."


async def test_copy_that_lags_steadily_is_never_believed() -> None:
    dated = Dated()
    dated.server_seconds = -3600.0

    assert await dated.outcomes(100) == "c" * 100


@pytest.mark.parametrize("date", [None, "", "yesterday", "2026-11-26T00:00:00Z"])
async def test_answer_that_lost_its_date_is_refused(date: str | None) -> None:
    dated = Dated()
    await dated.outcomes(2)

    dated.text = date

    assert await dated.outcomes(40) == "c" * 40


async def test_answers_of_an_exchange_that_never_dates_them_are_taken() -> None:
    dated = Dated()
    dated.text = None

    assert await dated.outcomes(5) == "....."


async def test_answer_with_two_dates_is_refused() -> None:
    dated = Dated()
    dated.text = "Thu, 26 Nov 2026 00:00:00 GMT, Thu, 26 Nov 2026 00:00:00 GMT"

    assert await dated.outcomes(2) == "cc"


async def test_history_outlasts_the_requests_of_one_account() -> None:
    first = Dated()
    await first.outcomes(2)
    first.freeze()
    await first.outcomes(1)

    again = Dated(first)

    assert await again.outcomes(3) == "ccc"


async def test_exchange_whose_clock_is_ahead_is_believed_and_so_is_its_correction() -> None:
    dated = Dated()
    dated.server_seconds = 600.0
    assert await dated.outcomes(3) == "..."

    # Set right, it agrees with our wall clock.
    dated.server_seconds = 0.0

    assert await dated.outcomes(5) == "cc..."


async def test_one_date_ahead_spoils_nothing() -> None:
    dated = Dated()
    await dated.outcomes(2)
    dated.server_seconds = 3600.0
    assert await dated.outcomes(1) == "."

    dated.server_seconds = 0.0

    assert await dated.outcomes(3) == "..."


async def test_replay_after_our_process_was_suspended_is_refused() -> None:
    dated = Dated()
    await dated.outcomes(2)
    # CLOCK_MONOTONIC does not count sleep.
    dated.server_seconds += 3600.0
    assert await dated.outcomes(1) == "."

    dated.freeze()

    assert await dated.outcomes(40) == "c" * 40


async def test_backends_whose_clocks_differ_by_seconds_are_no_caches() -> None:
    dated = Dated()
    seen = ""
    for number in range(20):
        dated.server_seconds = (0.0, 3.0, -1.0)[number % 3]
        seen += await dated.outcomes(1)

    assert seen == "." * 20


async def test_clocks_that_drift_apart_for_days_are_no_cache() -> None:
    dated = Dated()
    seen = ""
    for _ in range(2000):
        # 200 ppm, as of a machine without NTP.
        dated.server_seconds -= INTERVAL_SECONDS * 200e-6
        seen += await dated.outcomes(1)

    assert set(seen) == {"."}


@pytest.mark.parametrize("endpoint", OPTIONAL_ENDPOINTS, ids=lambda each: each.name)
async def test_copy_from_an_optional_endpoint_is_refused(
    endpoint: Endpoint[OptionalResponse],
) -> None:
    dated = Dated()
    await dated.outcomes(1)
    dated.freeze()
    assert await dated.exchange.fetch(endpoint, 10.0) is not None
    dated.time.advance(INTERVAL_SECONDS)

    with pytest.raises(CachedError):
        await dated.exchange.fetch(endpoint, 10.0)


async def test_requests_ask_caches_to_stand_aside() -> None:
    dated = Dated()
    await dated.outcomes(1)

    sent = dated.requests[0].headers
    assert (sent["cache-control"], sent["pragma"]) == ("no-cache, no-store", "no-cache")


async def test_clock_that_was_set_back_is_not_believed_within_ten_seconds() -> None:
    dated = Dated()
    dated.server_seconds = 60.0
    assert await dated.outcomes(1) == "."
    dated.server_seconds = 0.0

    assert await dated.outcomes(8, interval_seconds=2.0) == "cccccc.."
