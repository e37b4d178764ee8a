import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
import respx

from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import (
    BALANCES,
    MARK_PRICE,
    OPTIONAL_ENDPOINTS,
    PATHS,
    USER_LIQUIDATIONS,
    Endpoint,
    OptionalResponse,
)
from exporter.bitopro.signing import Credentials, sign_payload
from exporter.bitopro.transport import Connection
from exporter.errors import (
    AuthenticationError,
    ClockError,
    ConfigurationError,
    ContentTypeError,
    HTTPStatusError,
    NetworkError,
    NotAskedError,
    PollError,
    PollTimeoutError,
    RateLimitedError,
    RedirectError,
    WrongAccountError,
)
from tests.bitopro.answers import answer_with, example
from tests.clocks import ManualClock
from tests.exchanges import exchange_at

pytestmark = pytest.mark.anyio

CREDENTIALS = Credentials("a-key", "a-secret", "me@example.com")
JSON = {"content-type": "application/json"}


class Fake:
    """The exchange as a function from request to response, and an `Exchange` that asks it."""

    def __init__(
        self,
        respond: Callable[[httpx.Request], httpx.Response],
        read_credentials: Callable[[], Credentials] = lambda: CREDENTIALS,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.slots = 0
        self.free_slots = 0
        self.has_free_slots = True
        self.time = ManualClock()
        self._respond = respond
        self.exchange = Exchange(
            base_url="https://exchange.example/v3",
            read_credentials=read_credentials,
            connection=Connection(ssl.create_default_context(), httpx.MockTransport(self._handle)),
            clock=self.time.clock,
            take_slot=self._take_slot,
            take_free_slot=self._take_free_slot,
            deadline_seconds=10.0,
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._respond(request)

    async def _take_slot(self) -> None:
        self.slots += 1

    async def _take_free_slot(self) -> None:
        if not self.has_free_slots:
            await asyncio.Event().wait()
        self.free_slots += 1

    @property
    def nonces(self) -> list[int]:
        return [
            json.loads(base64.b64decode(request.headers["x-bitopro-payload"]))["nonce"]
            for request in self.requests
        ]


def always(status: int, body: bytes = b"{}", **headers: str) -> Fake:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fake(lambda _: httpx.Response(status, content=body, headers={**JSON, **named}))


def one_by_one(*responses: httpx.Response) -> Fake:
    left = iter(responses)
    return Fake(lambda _: next(left))


def good(body: bytes) -> httpx.Response:
    return httpx.Response(200, content=body, headers=JSON)


async def test_good_answer_becomes_a_snapshot(documented_answer: bytes) -> None:
    poll = await always(200, documented_answer).exchange.fetch(BALANCES)

    assert poll.value.ad_ratio == Decimal("5.76")


@respx.mock
async def test_request_is_the_documented_one(documented_answer: bytes) -> None:
    route = respx.get("https://exchange.example/v3/margin/balances").mock(
        return_value=good(documented_answer)
    )
    time = ManualClock()

    await exchange_at(
        "https://exchange.example/v3/",
        Connection(ssl.create_default_context()),
        CREDENTIALS,
        clock=time.clock,
    ).fetch(BALANCES)

    headers = route.calls.last.request.headers
    payload = headers["x-bitopro-payload"]
    assert json.loads(base64.b64decode(payload)) == {
        "identity": "me@example.com",
        "nonce": 1_700_000_000_000,
    }
    assert headers["x-bitopro-apikey"] == "a-key"
    assert headers["x-bitopro-signature"] == sign_payload("a-secret", payload)
    assert headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (201, HTTPStatusError),
        (202, HTTPStatusError),
        (204, HTTPStatusError),
        (206, HTTPStatusError),
        (301, RedirectError),
        (302, RedirectError),
        (307, RedirectError),
        (308, RedirectError),
        (400, HTTPStatusError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, HTTPStatusError),
        (408, HTTPStatusError),
        (409, ClockError),
        (422, HTTPStatusError),
        (429, RateLimitedError),
        (500, HTTPStatusError),
        (502, HTTPStatusError),
        (503, HTTPStatusError),
        (504, HTTPStatusError),
    ],
)
async def test_only_200_counts_however_good_the_body(
    documented_answer: bytes, status: int, error: type[PollError]
) -> None:
    with pytest.raises(error, match=f"^{status}: "):
        await always(status, documented_answer).exchange.fetch(BALANCES)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "", "application/jsonp"])
async def test_content_other_than_json_is_refused(
    documented_answer: bytes, content_type: str
) -> None:
    with pytest.raises(ContentTypeError):
        await always(200, documented_answer, content_type=content_type).exchange.fetch(BALANCES)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_by_another_spelling_is_accepted(
    documented_answer: bytes, content_type: str
) -> None:
    await always(200, documented_answer, content_type=content_type).exchange.fetch(BALANCES)


@pytest.mark.parametrize(
    ("status", "headers", "text"),
    [
        (401, {"content_type": "text/html"}, "refused by a gateway"),
        (403, {"content_type": "Text/HTML; charset=UTF-8"}, "refused by a gateway"),
        (403, {"cf_mitigated": "challenge"}, "refused by a gateway"),
        (503, {"content_type": "text/html", "cf_mitigated": "challenge"}, "refused by a gateway"),
        (503, {}, "the exchange is unavailable or under maintenance"),
        (503, {"content_type": "text/html"}, "the exchange is unavailable or under maintenance"),
        (502, {}, "a gateway got no proper answer from the exchange"),
        (521, {"content_type": "text/html"}, "the exchange refuses connections from Cloudflare"),
        (418, {}, "not an answer that this request can have"),
    ],
)
async def test_refusal_that_is_not_the_keys_fault_says_whose_it_is(
    status: int, headers: dict[str, str], text: str
) -> None:
    with pytest.raises(HTTPStatusError, match=f"^{status}: {text}") as caught:
        await always(status, b"", **headers).exchange.fetch(BALANCES)

    assert (caught.value.reason, caught.value.status) == ("http_status", status)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
async def test_refusal_without_a_page_is_about_the_key(status: int, content_type: str) -> None:
    with pytest.raises(AuthenticationError):
        await always(status, content_type=content_type).exchange.fetch(BALANCES)


async def test_redirect_is_not_followed(documented_answer: bytes) -> None:
    fake = always(302, documented_answer, location="https://elsewhere.example/")

    with pytest.raises(RedirectError):
        await fake.exchange.fetch(BALANCES)

    assert [request.url.host for request in fake.requests] == ["exchange.example"]


async def test_conflict_is_retried_once_with_a_fresh_nonce(documented_answer: bytes) -> None:
    fake = one_by_one(httpx.Response(409, headers=JSON), good(documented_answer))

    await fake.exchange.fetch(BALANCES)

    assert fake.nonces == [1_700_000_000_000, 1_700_000_000_001]


async def test_answer_from_before_a_suspend_is_refused() -> None:
    def answer_after_an_hour_of_sleep(_: httpx.Request) -> httpx.Response:
        fake.time.advance(3600.0)
        return httpx.Response(200, headers=JSON, content=answer_with("accountStatus", 1))

    fake = Fake(answer_after_an_hour_of_sleep)

    with pytest.raises(PollTimeoutError, match="no complete answer within 10 s"):
        await fake.exchange.fetch(BALANCES)
    with pytest.raises(PollTimeoutError, match="no complete answer within 5 s"):
        await fake.exchange.fetch(MARK_PRICE, 5.0)


async def test_second_conflict_ends_the_poll_and_tells_the_skew() -> None:
    fake = always(409, date="Tue, 14 Nov 2023 22:12:50 GMT")

    with pytest.raises(ClockError, match=r"\+30\.0 s") as caught:
        await fake.exchange.fetch(BALANCES)

    assert len(fake.requests) == 2
    assert caught.value.clock_skew_seconds == 30.0


async def test_nonces_recover_after_a_clock_that_was_an_hour_ahead(
    documented_answer: bytes,
) -> None:
    def exchange_in_step(request: httpx.Request) -> httpx.Response:
        nonce_ms = json.loads(base64.b64decode(request.headers["x-bitopro-payload"]))["nonce"]
        is_near = abs(nonce_ms - 1_700_000_000_000) < 30_000
        return good(documented_answer) if is_near else httpx.Response(409, headers=JSON)

    fake = Fake(exchange_in_step)
    fake.time.wall_seconds += 3600.0
    with pytest.raises(ClockError):
        await fake.exchange.fetch(BALANCES)

    fake.time.wall_seconds -= 3600.0
    poll = await fake.exchange.fetch(BALANCES)

    assert poll.value.account_id == "5411716254"


async def test_lost_connection_is_a_network_error_without_retry() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    fake = Fake(refuse)

    with pytest.raises(NetworkError):
        await fake.exchange.fetch(BALANCES)

    assert len(fake.requests) == 1


async def test_every_request_takes_a_slot_of_the_budget(documented_answer: bytes) -> None:
    fake = one_by_one(httpx.Response(409, headers=JSON), good(documented_answer))

    await fake.exchange.fetch(BALANCES)

    assert fake.slots == len(fake.requests) == 2


async def test_rotated_key_is_picked_up_after_a_401(documented_answer: bytes) -> None:
    keys = iter(["old", "new"])

    def know_the_new_key(request: httpx.Request) -> httpx.Response:
        is_new = request.headers["x-bitopro-apikey"] == "new"
        return good(documented_answer) if is_new else httpx.Response(401, headers=JSON)

    fake = Fake(know_the_new_key, lambda: Credentials(next(keys), "a-secret", "me@example.com"))

    await fake.exchange.fetch(BALANCES)

    assert [request.headers["x-bitopro-apikey"] for request in fake.requests] == ["old", "new"]


async def test_unchanged_key_is_not_tried_again_after_a_401() -> None:
    fake = always(401)

    with pytest.raises(AuthenticationError):
        await fake.exchange.fetch(BALANCES)

    assert len(fake.requests) == 1


async def test_secret_that_cannot_be_read_again_keeps_the_old_one() -> None:
    reads = iter([CREDENTIALS])

    def read() -> Credentials:
        try:
            return next(reads)
        except StopIteration:
            raise ConfigurationError(["gone"]) from None

    fake = Fake(lambda _: httpx.Response(401, headers=JSON), read)

    with pytest.raises(AuthenticationError):
        await fake.exchange.fetch(BALANCES)


async def test_answer_of_another_account_is_refused(documented_answer: bytes) -> None:
    fake = one_by_one(good(documented_answer), good(answer_with("accountID", "666")))
    await fake.exchange.fetch(BALANCES)

    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(BALANCES)


async def test_first_account_stays_the_right_one(documented_answer: bytes) -> None:
    other = good(answer_with("accountID", "666"))
    fake = one_by_one(good(documented_answer), other, good(documented_answer))
    await fake.exchange.fetch(BALANCES)
    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(BALANCES)

    assert (await fake.exchange.fetch(BALANCES)).value.account_id == "5411716254"


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("99999999999999999999", 9999999999.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
async def test_retry_after_is_read_where_it_is_intelligible(
    retry_after: str, seconds: float | None
) -> None:
    raw = [(b"content-type", b"application/json"), (b"retry-after", retry_after.encode("latin-1"))]
    fake = Fake(lambda _: httpx.Response(429, headers=raw))

    with pytest.raises(RateLimitedError) as caught:
        await fake.exchange.fetch(BALANCES)

    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Tue, 14 Nov 2023 22:13:19 GMT", 1.0),
        ("Tue, 14 Nov 2023 23:13:20 GMT", -3600.0),
        ("junk", None),
        ("", None),
        ("Tue, 99 Nov 2023 22:13:19 GMT", None),
    ],
)
async def test_clock_skew_is_local_time_minus_the_date_header(
    documented_answer: bytes, date: str, skew: float | None
) -> None:
    poll = await always(200, documented_answer, date=date).exchange.fetch(BALANCES)

    assert poll.clock_skew_seconds == skew


async def test_poll_ends_at_its_deadline_and_the_next_one_works(
    documented_answer: bytes,
) -> None:
    class StallsOnce(httpx.AsyncBaseTransport):
        has_stalled = False

        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            if not self.has_stalled:
                self.has_stalled = True
                await asyncio.Event().wait()
            return good(documented_answer)

    time = ManualClock()
    exchange = exchange_at(
        "https://exchange.example/v3",
        Connection(ssl.create_default_context(), StallsOnce()),
        CREDENTIALS,
        0.05,
        time.clock,
    )

    with pytest.raises(PollTimeoutError, match=r"within 0\.05 s"):
        await exchange.fetch(BALANCES)
    assert (await exchange.fetch(BALANCES)).value.account_id == "5411716254"


@pytest.mark.parametrize("endpoint", OPTIONAL_ENDPOINTS, ids=lambda each: each.name)
async def test_optional_answer_becomes_what_the_endpoint_makes_of_it(
    endpoint: Endpoint[OptionalResponse],
) -> None:
    fake = always(200, example(endpoint.name))

    response = await fake.exchange.fetch(endpoint, 5.0)

    assert response.value == endpoint.parse(example(endpoint.name))
    assert [str(request.url) for request in fake.requests] == [
        f"https://exchange.example/v3/margin/{endpoint.name}"
    ]


async def test_only_known_paths_can_be_asked() -> None:
    fake = always(200)
    endpoint = replace(MARK_PRICE, path="/margin/order")

    with pytest.raises(ValueError, match="^not one of the paths"):
        await fake.exchange.fetch(endpoint, 5.0)

    assert fake.requests == []


def test_known_paths_are_these_four() -> None:
    assert {
        "/margin/balances",
        "/margin/mark-price",
        "/margin/provisioning/borrow",
        "/margin/user-liquidations",
    } == PATHS


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (201, HTTPStatusError),
        (302, RedirectError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, HTTPStatusError),
        (409, ClockError),
        (429, RateLimitedError),
        (500, HTTPStatusError),
    ],
)
async def test_of_optional_answers_too_only_200_counts(status: int, error: type[PollError]) -> None:
    with pytest.raises(error, match=f"^{status}: "):
        await always(status, example("mark-price")).exchange.fetch(MARK_PRICE, 5.0)


async def test_status_of_an_error_can_be_told() -> None:
    with pytest.raises(HTTPStatusError) as caught:
        await always(404).exchange.fetch(MARK_PRICE, 5.0)

    assert caught.value.status == 404


async def test_optional_requests_take_free_slots_alone() -> None:
    fake = one_by_one(httpx.Response(409, headers=JSON), good(example("mark-price")))

    await fake.exchange.fetch(MARK_PRICE, 5.0)

    assert (fake.slots, fake.free_slots, len(fake.requests)) == (0, 2, 2)


async def test_without_a_free_slot_nothing_is_sent() -> None:
    fake = always(200, example("mark-price"))
    fake.has_free_slots = False

    with pytest.raises(NotAskedError):
        await fake.exchange.fetch(MARK_PRICE, 0.1)
    assert fake.requests == []


async def test_nonces_of_all_requests_of_a_key_rise(documented_answer: bytes) -> None:
    fake = one_by_one(good(documented_answer), good(example("mark-price")), good(documented_answer))
    await fake.exchange.fetch(BALANCES)
    await fake.exchange.fetch(MARK_PRICE, 5.0)
    await fake.exchange.fetch(BALANCES)

    assert fake.nonces == [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_002]


async def test_optional_request_that_hangs_ends_at_its_deadline_and_the_poll_works(
    documented_answer: bytes,
) -> None:
    class StallsOnce(httpx.AsyncBaseTransport):
        has_stalled = False

        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            if not self.has_stalled:
                self.has_stalled = True
                await asyncio.Event().wait()
            return good(documented_answer)

    time = ManualClock()
    exchange = exchange_at(
        "https://exchange.example/v3",
        Connection(ssl.create_default_context(), StallsOnce()),
        CREDENTIALS,
        10.0,
        time.clock,
    )

    with pytest.raises(PollTimeoutError):
        await exchange.fetch(MARK_PRICE, 0.1)
    assert (await exchange.fetch(BALANCES)).value.account_id == "5411716254"


def knowing(key: str, answers: Mapping[str, bytes]) -> Fake:
    """Return an exchange that knows one key, and a client whose file has it at the second read."""
    keys = iter(["old", key])

    def respond(request: httpx.Request) -> httpx.Response:
        is_known = request.headers["x-bitopro-apikey"] == key
        body = answers[request.url.path.removeprefix("/v3/margin/")]
        return good(body) if is_known else httpx.Response(401, headers=JSON)

    return Fake(respond, lambda: Credentials(next(keys), "a-secret", "me@example.com"))


async def test_rotated_key_is_picked_up_by_what_is_not_about_the_account() -> None:
    fake = knowing("new", {"mark-price": example("mark-price")})

    assert (await fake.exchange.fetch(MARK_PRICE, 5.0)).value.prices


async def test_liquidations_are_not_asked_with_a_key_that_no_balances_have_proven(
    documented_answer: bytes,
) -> None:
    answers = {
        "user-liquidations": example("user-liquidations"),
        "balances": documented_answer,
    }
    fake = knowing("new", answers)

    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(USER_LIQUIDATIONS, 5.0)
    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(USER_LIQUIDATIONS, 5.0)
    assert [request.headers["x-bitopro-apikey"] for request in fake.requests] == ["old"]

    await fake.exchange.fetch(BALANCES)
    assert (await fake.exchange.fetch(USER_LIQUIDATIONS, 5.0)).value.finished


async def test_liquidations_are_not_asked_of_another_account(documented_answer: bytes) -> None:
    fake = one_by_one(good(documented_answer), good(answer_with("accountID", "666")))
    await fake.exchange.fetch(BALANCES)
    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(BALANCES)

    with pytest.raises(WrongAccountError):
        await fake.exchange.fetch(USER_LIQUIDATIONS, 5.0)

    assert len(fake.requests) == 2
