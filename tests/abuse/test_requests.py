"""Single requests that no scraper sends: refused or passed over, and without a trace."""

import asyncio
import gzip
import ssl
from collections.abc import Iterator, Mapping

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


ODD: Mapping[str, tuple[bytes, int]] = {
    "TLS": (client_hello(), 400),
    "zeros": (b"\0" * 1000, 400),
    "every byte": (bytes(range(256)) * 40, 400),
    "empty lines": (b"\r\n\r\n\r\n\r\n", 400),
    "a word": (b"GET\r\n\r\n", 400),
    "HTTP 0.9": (b"GET /metrics\r\n\r\n", 400),
    "no host": (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + b"Host: y\r\n\r\n", 400),
    "space in a header's name": (GET + b"a b: c\r\n\r\n", 400),
    "zero in a header": (GET + b"a: b\0c\r\n\r\n", 400),
    "byte in the path": (b"GET /metrics\xff" + DOCUMENT + b"\r\n", 400),
    "space in the path": (b"GET /met rics" + DOCUMENT + b"\r\n", 400),
    "negative length": (GET + b"Content-Length: -1\r\n\r\n", 400),
    "two lengths": (GET + b"Content-Length: 1, 2\r\n\r\n", 400),
    "huge length": (GET + b"Content-Length: " + b"9" * 9999 + b"\r\n\r\n", 400),
    "unknown coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
    "asterisk": (b"OPTIONS *" + DOCUMENT + b"\r\n", 404),
    "absolute target": (b"GET http://x/metrics" + DOCUMENT + b"\r\n", 404),
    "CONNECT": (b"CONNECT x:443" + DOCUMENT + b"\r\n", 404),
    "dots": (b"GET /metrics/../" + DOCUMENT + b"\r\n", 404),
    "many dots": (b"GET /../../etc/passwd" + DOCUMENT + b"\r\n", 404),
    "trailing slash": (b"GET /metrics/" + DOCUMENT + b"\r\n", 404),
    "two slashes": (b"GET //metrics" + DOCUMENT + b"\r\n", 404),
    "encoded zero": (b"GET /metrics%00" + DOCUMENT + b"\r\n", 404),
    "encoded junk": (b"GET /%ff%fe%" + DOCUMENT + b"\r\n", 404),
    "POST": (POST + b"\r\n", 405),
    "PUT": (b"PUT /metrics" + DOCUMENT + b"\r\n", 405),
    "DELETE": (b"DELETE /metrics" + DOCUMENT + b"\r\n", 405),
    "OPTIONS": (b"OPTIONS /metrics" + DOCUMENT + b"\r\n", 405),
    "TRACE": (b"TRACE /metrics" + DOCUMENT + b"\r\n", 405),
    "lower case": (b"get /metrics" + DOCUMENT + b"\r\n", 405),
    "expectation": (POST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 405),
    "malformed chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 405),
}


async def test_odd_requests_are_refused(exporter: RunningExporter) -> None:
    statuses = {
        name: (sent, status_of(await exchange(exporter.port, sent)))
        for name, (sent, _) in ODD.items()
    }

    assert statuses == ODD


LARGE: Mapping[str, tuple[bytes, int]] = {
    "100 KB path": (b"GET /" + b"a" * 100_000 + DOCUMENT + b"\r\n", 431),
    "50 MB header": (GET + b"a: " + b"b" * 50 * MEGABYTE + b"\r\n\r\n", 431),
    "5 million headers": (GET + b"a: b\r\n" * 5 * MEGABYTE + b"\r\n", 431),
    "50 MB of zeros": (b"\0" * 50 * MEGABYTE, 400),
    "50 MB of line ends": (b"\r\n" * 25 * MEGABYTE, 400),
    "50 MB body": (POST + b"Content-Length: 52428800\r\n\r\n" + b"x" * 50 * MEGABYTE, 405),
}


@pytest.mark.parametrize(("request_bytes", "status"), LARGE.values(), ids=LARGE)
async def test_large_request_is_refused_and_not_kept(
    exporter: RunningExporter, request_bytes: bytes, status: int
) -> None:
    before = exporter.resident_bytes()

    async with asyncio.timeout(5.0):
        answer = await exchange(exporter.port, request_bytes)

    assert status_of(answer) in CUT_OR | {status}
    assert exporter.resident_bytes() < before + 10 * MEGABYTE


async def test_what_follows_a_request_is_passed_over(exporter: RunningExporter) -> None:
    for after in (GET + b"\r\n", b"\0\xff" * 1000, b"\r\n"):
        answer = await exchange(exporter.port, b"GET /-/healthy" + DOCUMENT + b"\r\n" + after)

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\nhealthy\n")
        assert answer.count(b"HTTP/1.1") == 1


async def test_client_is_told_that_the_connection_ends(exporter: RunningExporter) -> None:
    page = await fetch(exporter.port, headers={"Connection": "keep-alive"})

    assert page.headers["connection"] == "close"


async def test_other_protocol_is_not_taken_up(exporter: RunningExporter) -> None:
    http_2 = {"Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"}
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for upgrade in (http_2, {"Upgrade": "websocket", **key}):
        headers = {"Connection": "Upgrade, HTTP2-Settings", **upgrade}
        page = await fetch(exporter.port, headers=headers)

        assert (page.status, page.headers["content-type"]) == (200, Format.TEXT.value)


async def test_junk_in_accept_gives_the_text_format(exporter: RunningExporter) -> None:
    junk = [
        "text/plain;version=99.9.9",
        "application/openmetrics-text;version=;;;q=,",
        "application/openmetrics-text;q=1e999",
        "*/*;q=nan",
        "," * 10_000,
        ";=" * 5_000,
        "\xa0text\xff/\x80plain",
    ]
    for accept in junk:
        request = GET + b"Accept: " + accept.encode("latin-1") + b"\r\n\r\n"
        answer = await exchange(exporter.port, request)

        assert answer.startswith(b"HTTP/1.1 200 "), accept[:50]
        assert f"\r\ncontent-type: {Format.TEXT.value}\r\n".encode() in answer, accept[:50]


async def test_junk_in_accept_encoding_gives_a_plain_page(exporter: RunningExporter) -> None:
    for accept_encoding in ("br", "gzip;q=0", "gzip;q=x", "*;q=", "\x7f", ",;,"):
        page = await fetch(exporter.port, headers={"Accept-Encoding": accept_encoding})

        assert page.status == 200, accept_encoding
        assert "content-encoding" not in page.headers, accept_encoding


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
