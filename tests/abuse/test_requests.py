"""Single requests that no scraper sends: refused or passed over, and without a trace."""

import asyncio
import gzip
import ssl
from collections.abc import Iterator

import pytest

from exporter.metrics.negotiation import Format
from tests.abuse.clients import exchange, fetch, status_of
from tests.abuse.limited_process import RunningExporter

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20
DOCUMENT = b" HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /metrics" + DOCUMENT
POST = b"POST /metrics" + DOCUMENT

# The server closes while such a request is still being sent, so its answer may be lost.
CUT_OR = {None}


@pytest.fixture(autouse=True)
def _nothing_is_logged(exporter: RunningExporter) -> Iterator[None]:
    before = exporter.log_lines()
    yield
    assert exporter.log_lines() == before


def client_hello() -> bytes:
    """Return what a client that expects TLS sends first."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    handshake = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="exporter")
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(client_hello(), 400, id="TLS"),
        pytest.param(b"\0" * 1000, 400, id="zeros"),
        pytest.param(bytes(range(256)) * 40, 400, id="every byte"),
        pytest.param(b"\r\n\r\n\r\n\r\n", 400, id="empty lines"),
        pytest.param(b"GET\r\n\r\n", 400, id="a word"),
        pytest.param(b"GET /metrics\r\n\r\n", 400, id="HTTP 0.9"),
        pytest.param(b"GET /metrics HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(GET + b"Host: y\r\n\r\n", 400, id="two hosts"),
        pytest.param(GET + b"a b: c\r\n\r\n", 400, id="space in a header's name"),
        pytest.param(GET + b"a: b\0c\r\n\r\n", 400, id="zero in a header"),
        pytest.param(b"GET /metrics\xff" + DOCUMENT + b"\r\n", 400, id="byte in the path"),
        pytest.param(b"GET /met rics" + DOCUMENT + b"\r\n", 400, id="space in the path"),
        pytest.param(GET + b"Content-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(GET + b"Content-Length: 1, 2\r\n\r\n", 400, id="two lengths"),
        pytest.param(GET + b"Content-Length: " + b"9" * 9999 + b"\r\n\r\n", 400, id="huge length"),
        pytest.param(POST + b"Transfer-Encoding: gzip\r\n\r\n", 400, id="unknown coding"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, id="HTTP/2 preface"),
        pytest.param(b"OPTIONS *" + DOCUMENT + b"\r\n", 404, id="asterisk"),
        pytest.param(b"GET http://x/metrics" + DOCUMENT + b"\r\n", 404, id="absolute target"),
        pytest.param(b"CONNECT x:443" + DOCUMENT + b"\r\n", 404, id="CONNECT"),
        pytest.param(b"GET /metrics/../" + DOCUMENT + b"\r\n", 404, id="dots"),
        pytest.param(b"GET /../../etc/passwd" + DOCUMENT + b"\r\n", 404, id="many dots"),
        pytest.param(b"GET /metrics/" + DOCUMENT + b"\r\n", 404, id="trailing slash"),
        pytest.param(b"GET //metrics" + DOCUMENT + b"\r\n", 404, id="two slashes"),
        pytest.param(b"GET /metrics%00" + DOCUMENT + b"\r\n", 404, id="encoded zero"),
        pytest.param(b"GET /%ff%fe%" + DOCUMENT + b"\r\n", 404, id="encoded junk"),
        pytest.param(POST + b"\r\n", 405, id="POST"),
        pytest.param(b"PUT /metrics" + DOCUMENT + b"\r\n", 405, id="PUT"),
        pytest.param(b"DELETE /metrics" + DOCUMENT + b"\r\n", 405, id="DELETE"),
        pytest.param(b"OPTIONS /metrics" + DOCUMENT + b"\r\n", 405, id="OPTIONS"),
        pytest.param(b"TRACE /metrics" + DOCUMENT + b"\r\n", 405, id="TRACE"),
        pytest.param(b"get /metrics" + DOCUMENT + b"\r\n", 405, id="lower case"),
        pytest.param(
            POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 405, id="expectation"
        ),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 405, id="malformed chunk"),
    ],
)
async def test_odd_request_is_refused(
    exporter: RunningExporter, request_bytes: bytes, status: int
) -> None:
    assert status_of(await exchange(exporter.port, request_bytes)) == status


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET /" + b"a" * 100_000 + DOCUMENT + b"\r\n", 431, id="100 KB path"),
        pytest.param(GET + b"a: " + b"b" * 50 * MEGABYTE + b"\r\n\r\n", 431, id="50 MB header"),
        pytest.param(GET + b"a: b\r\n" * 5 * MEGABYTE + b"\r\n", 431, id="5 million headers"),
        pytest.param(b"\0" * 50 * MEGABYTE, 400, id="50 MB of zeros"),
        pytest.param(b"\r\n" * 25 * MEGABYTE, 400, id="50 MB of line ends"),
        pytest.param(
            POST + b"Content-Length: 52428800\r\n\r\n" + b"x" * 50 * MEGABYTE, 405, id="50 MB body"
        ),
    ],
)
async def test_large_request_is_refused_and_not_kept(
    exporter: RunningExporter, request_bytes: bytes, status: int
) -> None:
    before = exporter.resident_bytes()

    async with asyncio.timeout(5.0):
        answer = await exchange(exporter.port, request_bytes)

    assert status_of(answer) in CUT_OR | {status}
    assert exporter.resident_bytes() < before + 10 * MEGABYTE


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(GET + b"\r\n", id="another request"),
        pytest.param(b"\0\xff" * 1000, id="garbage"),
        pytest.param(b"\r\n", id="an empty line"),
    ],
)
async def test_what_follows_a_request_is_passed_over(
    exporter: RunningExporter, after: bytes
) -> None:
    answer = await exchange(exporter.port, b"GET /-/healthy" + DOCUMENT + b"\r\n" + after)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nhealthy\n")
    assert answer.count(b"HTTP/1.1") == 1


async def test_client_is_told_that_the_connection_ends(exporter: RunningExporter) -> None:
    page = await fetch(exporter.port, headers={"Connection": "keep-alive"})

    assert page.headers["connection"] == "close"


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param(
            {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"},
            id="HTTP/2",
        ),
        pytest.param(
            {
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            },
            id="WebSocket",
        ),
    ],
)
async def test_other_protocol_is_not_taken_up(
    exporter: RunningExporter, upgrade: dict[str, str]
) -> None:
    page = await fetch(exporter.port, headers={"Connection": "Upgrade, HTTP2-Settings", **upgrade})

    assert (page.status, page.headers["content-type"]) == (200, Format.TEXT.value)


@pytest.mark.parametrize(
    "accept",
    [
        pytest.param("text/plain;version=99.9.9", id="unknown version"),
        pytest.param("application/openmetrics-text;version=;;;q=,", id="no version"),
        pytest.param("application/openmetrics-text;q=1e999", id="endless quality"),
        pytest.param("*/*;q=nan", id="no number"),
        pytest.param("," * 10_000, id="commas"),
        pytest.param(";=" * 5_000, id="semicolons"),
        pytest.param("\xa0text\xff/\x80plain", id="bytes"),
    ],
)
async def test_junk_in_accept_gives_the_text_format(exporter: RunningExporter, accept: str) -> None:
    request = GET + b"Accept: " + accept.encode("latin-1") + b"\r\n\r\n"

    answer = await exchange(exporter.port, request)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert f"\r\ncontent-type: {Format.TEXT.value}\r\n".encode() in answer


@pytest.mark.parametrize("accept_encoding", ["br", "gzip;q=0", "gzip;q=x", "*;q=", "\x7f", ",;,"])
async def test_junk_in_accept_encoding_gives_a_plain_page(
    exporter: RunningExporter, accept_encoding: str
) -> None:
    page = await fetch(exporter.port, headers={"Accept-Encoding": accept_encoding})

    assert page.status == 200
    assert "content-encoding" not in page.headers


async def test_repeated_headers_count_together(exporter: RunningExporter) -> None:
    repeated = b"Accept-Encoding: br\r\nACCEPT-ENCODING: gzip\r\nAccept: a/b\r\nAccept: */*\r\n\r\n"

    answer = await exchange(exporter.port, GET + repeated)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\ncontent-encoding: gzip" in head
    assert b"\nbitopro_margin_up{" in gzip.decompress(body)


async def test_http_1_0_is_served(exporter: RunningExporter) -> None:
    answer = await exchange(exporter.port, b"GET /-/healthy HTTP/1.0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"healthy\n")
