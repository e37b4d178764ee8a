"""Faults below HTTP, over real sockets: names, TLS, and connections cut at any moment."""

import asyncio
import datetime as dt
import random
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from exporter.bitopro.client import Exchange
from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS, Endpoint, OptionalResponse
from exporter.bitopro.resolver import MAX_LOOKUPS, Resolver
from exporter.bitopro.signing import Credentials
from exporter.bitopro.transport import Connection
from exporter.errors import NetworkError, PollError, PollTimeoutError, TLSError
from exporter.service.process import client_ssl_context
from exporter.simulator import Simulator, SimulatorConfig
from tests import exchanges

pytestmark = pytest.mark.anyio

CREDENTIALS = Credentials("demo-key", "demo-secret", "demo@example.com")
# Not so rare as to be slow on a busy machine, not so long as to be waited for.
DEADLINE_SECONDS = 5.0


@asynccontextmanager
async def exchange_at(
    base_url: str,
    ssl_context: ssl.SSLContext | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> AsyncIterator[Exchange]:
    async with Connection(ssl_context or ssl.create_default_context()) as connection:
        yield exchanges.exchange_at(base_url, connection, deadline_seconds=deadline_seconds)


def simulator(**changes: Any) -> Simulator:  # noqa: ANN401 - fields of SimulatorConfig
    return Simulator(SimulatorConfig(port=0, rate_limit=1_000_000, **changes))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def test_connection_is_kept_from_one_poll_to_the_next() -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        await exchange.fetch(BALANCES)
        await exchange.fetch(BALANCES)

        assert (exchange_.requests, exchange_.connections) == (2, 1)


async def test_connection_is_thrown_away_after_a_failure() -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        exchange_.fault = "status-500"
        with pytest.raises(PollError):
            await exchange.fetch(BALANCES)
        exchange_.fault = None

        await exchange.fetch(BALANCES)

        assert exchange_.connections == 2


@pytest.mark.parametrize("fault", ["empty-object", "html", "json-half", "cached-age"])
async def test_backend_that_answers_badly_is_left(fault: str) -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        exchange_.fault = fault
        with pytest.raises(PollError):
            await exchange.fetch(BALANCES)
        exchange_.fault = None

        await exchange.fetch(BALANCES)

        assert exchange_.connections == 2


@pytest.mark.parametrize("fault", ["empty-list", "html", "json-half", "cached-age"])
@pytest.mark.parametrize("endpoint", OPTIONAL_ENDPOINTS, ids=lambda each: each.name)
async def test_backend_that_answers_an_optional_request_badly_is_left(
    endpoint: Endpoint[OptionalResponse], fault: str
) -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        exchange_.fault_endpoint, exchange_.fault = endpoint.name, fault
        with pytest.raises(PollError):
            await exchange.fetch(endpoint, DEADLINE_SECONDS)

        await exchange.fetch(BALANCES)

        assert exchange_.connections == 2


@pytest.mark.parametrize(
    "fault", ["many-headers", "many-trailers", "many-interim-answers", "chunked-tiny"]
)
async def test_answer_of_many_parts_costs_little_time(fault: str) -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        exchange_.fault = fault
        started = time.process_time()
        with pytest.raises(PollError) as caught:
            await exchange.fetch(BALANCES)
        spent_seconds = time.process_time() - started

    # The simulator's part is included: it took seconds without the limits.
    assert (caught.value.reason, spent_seconds < 0.5) == ("too_large", True)


async def test_idle_connection_closed_by_the_exchange_costs_no_poll() -> None:
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        await exchange.fetch(BALANCES)
        exchange_.fault = "idle-close"

        await exchange.fetch(BALANCES)

        assert exchange_.connections == 2


async def test_refused_connection_is_a_network_failure() -> None:
    async with exchange_at(f"http://127.0.0.1:{free_port()}/v3") as exchange:
        with pytest.raises(NetworkError, match=r"or it broke: Connection refused$"):
            await exchange.fetch(BALANCES)


async def test_name_that_does_not_resolve_is_a_network_failure_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo
    fails = True

    def getaddrinfo(host: bytes, *others: Any, **named: Any) -> Any:  # noqa: ANN401 - the system's
        if fails:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve("127.0.0.1" if host == b"exchange.test" else host, *others, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with simulator() as exchange_:
        base_url = f"http://exchange.test:{exchange_.port}/v3"
        async with exchange_at(base_url) as exchange:
            with pytest.raises(NetworkError, match="name resolution"):
                await exchange.fetch(BALANCES)
            fails = False

            await exchange.fetch(BALANCES)


async def test_name_is_resolved_anew_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    address = "127.0.0.1"

    def getaddrinfo(host: bytes, *others: Any, **named: Any) -> Any:  # noqa: ANN401 - the system's
        return resolve(address if host == b"exchange.test" else host, *others, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with (
        simulator() as first,
        exchange_at(f"http://exchange.test:{first.port}/v3") as exchange,
    ):
        await exchange.fetch(BALANCES)
        await first.__aexit__(None, None, None)
        with pytest.raises(NetworkError):
            await exchange.fetch(BALANCES)

        address = "127.0.0.2"
        async with Simulator(SimulatorConfig(host="127.0.0.2", port=first.port)):
            await exchange.fetch(BALANCES)


HANGING_NAME = "hanging.test"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let look-ups of HANGING_NAME hang until the end of the test, and list them."""
    resolve, ends = socket.getaddrinfo, threading.Event()
    looked_up: list[str] = []

    def getaddrinfo(host: Any, *others: Any, **named: Any) -> Any:  # noqa: ANN401 - the system's
        if host == b"hanging.test":
            looked_up.append(HANGING_NAME)
            ends.wait(60.0)
        return resolve("127.0.0.1" if host == b"hanging.test" else host, *others, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield looked_up
    ends.set()


async def test_resolver_that_does_not_answer_keeps_nothing_else_waiting(hanging: list[str]) -> None:
    async with AsyncExitStack() as stack, simulator() as exchange_:
        others = [
            await stack.enter_async_context(
                exchange_at(f"http://{HANGING_NAME}:{exchange_.port}/v3", deadline_seconds=30.0)
            )
            for _ in range(100)
        ]
        polls = [asyncio.ensure_future(each.fetch(BALANCES)) for each in others]
        await asyncio.sleep(0)
        # asyncio's own threads are free for other work, and so is another exchange's name.
        async with asyncio.timeout(5.0), exchange_at(exchange_.base_url) as exchange:
            assert await asyncio.to_thread(lambda: "read") == "read"
            await exchange.fetch(BALANCES)
        assert len(hanging) == 1
        for each in polls:
            each.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


@pytest.mark.usefixtures("hanging")
async def test_look_up_that_hangs_ends_at_the_deadline() -> None:
    async with exchange_at(f"http://{HANGING_NAME}:1/v3", deadline_seconds=0.1) as exchange:
        with pytest.raises(PollTimeoutError):
            await exchange.fetch(BALANCES)


@pytest.mark.usefixtures("hanging")
async def test_look_ups_that_hang_are_bounded() -> None:
    resolver = Resolver()
    lookups = [
        asyncio.ensure_future(resolver.addresses(HANGING_NAME, port))
        for port in range(1, MAX_LOOKUPS + 1)
    ]
    await asyncio.sleep(0)

    with pytest.raises(OSError, match="look-ups of names hang"):
        await resolver.addresses(HANGING_NAME, 99)

    for each in lookups:
        each.cancel()


async def test_look_up_that_hangs_for_long_does_not_keep_the_name_for_ever(
    hanging: list[str],
) -> None:
    now = 0.0
    resolver = Resolver(lambda: now)
    waiting = [asyncio.ensure_future(resolver.addresses(HANGING_NAME, 443)) for _ in range(2)]
    await asyncio.to_thread(lambda: None)
    assert len(hanging) == 1

    now = 31.0
    waiting.append(asyncio.ensure_future(resolver.addresses(HANGING_NAME, 443)))
    async with asyncio.timeout(5.0):
        while len(hanging) < 2:
            await asyncio.to_thread(lambda: None)

    for each in waiting:
        each.cancel()


async def test_no_thread_for_a_look_up_is_a_network_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with exchange_at("http://exchange.test:1/v3") as exchange:

        def refuse(_: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NetworkError, match="can't start new thread"):
            await exchange.fetch(BALANCES)


async def test_address_that_is_silent_does_not_hide_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve = socket.getaddrinfo
    async with Simulator(SimulatorConfig(port=0)) as exchange_:
        port = urlsplit(exchange_.base_url).port or 0
        with ExitStack() as stack:
            # A full queue of connections: what comes is not answered.
            silent = stack.enter_context(socket.socket())
            silent.bind(("127.0.0.3", port))
            silent.listen(0)
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)  # noqa: FBT003 - the socket's signature
                filler.connect_ex(("127.0.0.3", port))

            def getaddrinfo(host: Any, *others: Any, **named: Any) -> Any:  # noqa: ANN401 - the system's
                if host != b"exchange.test":
                    return resolve(host, *others, **named)
                return [*resolve("127.0.0.3", port), *resolve("127.0.0.1", port)]

            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            descriptors = open_descriptors()
            async with exchange_at(f"http://exchange.test:{port}/v3") as exchange:
                await exchange.fetch(BALANCES)
        assert exchange_.requests == 1
    assert open_descriptors() <= descriptors


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_trusted_certificate_is_accepted(authority: trustme.CA) -> None:
    server = served_with(authority.issue_cert("127.0.0.1"))
    async with (
        simulator(scenario="documented", ssl_context=server) as exchange_,
        exchange_at(exchange_.base_url, trusting(authority)) as exchange,
    ):
        assert (await exchange.fetch(BALANCES)).value.account_id == "5411716254"


async def test_framing_is_checked_beneath_tls_too(authority: trustme.CA) -> None:
    server = served_with(authority.issue_cert("127.0.0.1"))
    async with (
        simulator(ssl_context=server, fault="bytes-after-body") as exchange_,
        exchange_at(exchange_.base_url, trusting(authority)) as exchange,
    ):
        with pytest.raises(PollError, match="not as long as announced"):
            await exchange.fetch(BALANCES)


def _expired(authority: trustme.CA) -> trustme.LeafCert:
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    return authority.issue_cert("127.0.0.1", not_after=yesterday)


@pytest.mark.parametrize(
    ("issue", "text"),
    [
        pytest.param(lambda ca: ca.issue_cert("elsewhere.test"), "mismatch", id="wrong host"),
        pytest.param(_expired, "expired", id="expired"),
        pytest.param(
            lambda _: trustme.CA().issue_cert("127.0.0.1"), "verify failed", id="unknown authority"
        ),
    ],
)
async def test_certificate_that_proves_nothing_is_refused(
    authority: trustme.CA, issue: Callable[[trustme.CA], trustme.LeafCert], text: str
) -> None:
    async with (
        simulator(ssl_context=served_with(issue(authority))) as exchange_,
        exchange_at(exchange_.base_url, trusting(authority)) as exchange,
    ):
        with pytest.raises(TLSError, match=text):
            await exchange.fetch(BALANCES)

        assert exchange_.requests == 0


async def test_plain_http_on_a_tls_port_is_a_tls_failure() -> None:
    async with simulator() as exchange_:
        base_url = exchange_.base_url.replace("http:", "https:")
        async with exchange_at(base_url) as exchange:
            with pytest.raises(TLSError):
                await exchange.fetch(BALANCES)


async def test_stalled_handshake_ends_at_the_deadline_and_leaves_no_socket() -> None:
    descriptors = open_descriptors()
    async with simulator(fault="tls-stall") as exchange_:
        base_url = exchange_.base_url.replace("http:", "https:")
        async with exchange_at(base_url, deadline_seconds=0.1) as exchange:
            with pytest.raises(PollTimeoutError):
                await exchange.fetch(BALANCES)

    assert open_descriptors() == descriptors


def test_certificates_are_verified_unless_the_operator_brings_authorities() -> None:
    context = client_ssl_context()

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_openssls_own_variable_names_other_authorities(
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,  # noqa: ANN401
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    assert client_ssl_context().cert_store_stats()["x509_ca"] == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        await exchange.fetch(BALANCES)


async def test_redirect_reaches_no_other_host() -> None:
    reached: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(1))
        writer.close()

    other = await asyncio.start_server(record, "127.0.0.2", 0)
    async with other, simulator() as exchange_, exchange_at(exchange_.base_url) as exchange:
        port = other.sockets[0].getsockname()[1]
        exchange_.redirect_target = f"http://127.0.0.2:{port}/v3/margin/balances"
        exchange_.fault = "redirect-307"
        with pytest.raises(PollError):
            await exchange.fetch(BALANCES)

        assert reached == []


async def test_a_thousand_polls_cut_at_random_leave_the_next_one_whole() -> None:
    draw = random.Random(1)  # noqa: S311 - for repeatable cuts
    descriptors = open_descriptors()
    async with (
        simulator(scenario="documented") as exchange_,
        exchange_at(exchange_.base_url) as exchange,
    ):
        for _ in range(1000):
            exchange._deadline_seconds = draw.uniform(0.0, 0.003)  # noqa: SLF001 - the one thing that varies
            with suppress(PollTimeoutError):
                await exchange.fetch(BALANCES)
        exchange._deadline_seconds = DEADLINE_SECONDS  # noqa: SLF001 - likewise

        assert (await exchange.fetch(BALANCES)).value.account_id == "5411716254"
    assert open_descriptors() == descriptors
