import base64
import gzip
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from exporter.clock import Clock
from exporter.errors import NetworkError
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.state import AccountState, Store
from exporter.web.application import Application
from exporter.web.status_page import STYLE, StatusPage
from tests.states import ACCOUNT, at, polled

pytestmark = pytest.mark.anyio


class Site:
    """The application with one account, reached without a socket."""

    def __init__(self) -> None:
        self.store = Store([ACCOUNT])
        self.exposition = Exposition(lambda: 0.0)
        clock = Clock(wall=lambda: 1_700_000_012.0, monotonic=lambda: 12.0)
        application = Application(
            self.store, self.exposition, "/metrics", StatusPage(clock, "/metrics")
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(application), base_url="http://exporter"
        )

    def put(self, state: AccountState) -> None:
        self.store.put(state)
        self.exposition.put(state)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with site.client:
        yield site


async def test_metrics_are_text_by_default(site: Site, documented_answer: bytes) -> None:
    site.put(polled(documented_answer))

    response = await site.client.get("/metrics", headers={"accept-encoding": ""})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.content == site.exposition.page(Format.TEXT)
    assert response.headers["content-length"] == str(len(response.content))


async def test_metrics_are_openmetrics_on_request(site: Site, documented_answer: bytes) -> None:
    site.put(polled(documented_answer))

    response = await site.client.get("/metrics", headers={"accept": Format.OPENMETRICS.value})

    assert response.headers["content-type"] == Format.OPENMETRICS.value
    assert response.text.endswith("# EOF\n")


async def test_metrics_are_compressed_on_request(site: Site, documented_answer: bytes) -> None:
    site.put(polled(documented_answer))

    async with site.client.stream(
        "GET", "/metrics", headers={"accept-encoding": "gzip"}
    ) as response:
        body = b"".join([part async for part in response.aiter_raw()])

    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-length"] == str(len(body))
    assert gzip.decompress(body) == site.exposition.page(Format.TEXT)


async def test_head_has_the_headers_and_no_body(site: Site) -> None:
    response = await site.client.head("/metrics", headers={"accept-encoding": ""})

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(site.exposition.page(Format.TEXT)))


async def test_healthy_and_ready_say_nothing_about_the_exchange_once_it_was_asked(
    site: Site,
) -> None:
    before = await site.client.get("/-/ready")
    site.put(AccountState(ACCOUNT).after_failure(NetworkError("no"), at(0.0)))

    assert (before.status_code, before.text) == (503, "not yet polled: main\n")
    assert (await site.client.get("/-/ready")).status_code == 200
    assert (await site.client.get("/-/healthy")).status_code == 200


async def test_status_page_tells_why_an_account_fails(site: Site) -> None:
    site.put(AccountState(ACCOUNT).after_failure(NetworkError("<refused>"), at(0.0)))

    page = (await site.client.get("/")).text

    assert "network: &lt;refused&gt;" in page
    assert "2023-11-14 22:13:20" in page


async def test_status_page_shows_no_balance(site: Site, documented_answer: bytes) -> None:
    site.put(polled(documented_answer))

    page = (await site.client.get("/")).text

    assert "main" in page
    assert "748279" not in page
    assert "5411716254" not in page


async def test_status_page_allows_no_script(site: Site) -> None:
    response = await site.client.get("/")

    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert response.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert f"<style>{STYLE}</style>" in response.text


async def test_unknown_paths_are_not_found(site: Site) -> None:
    for path in ("/metrics/", "/favicon.ico", "/-/", "/-/reload", "/metricsx"):
        assert (await site.client.get(path)).status_code == 404, path


async def test_only_reading_is_allowed(site: Site) -> None:
    for path in ("/", "/metrics", "/-/healthy", "/-/ready"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            response = await site.client.request(method, path)

            assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD"), path


async def test_parameters_are_ignored(site: Site) -> None:
    for path in ("/", "/metrics", "/-/healthy"):
        for query in ("name[]=bitopro_margin_up", "name[]=", "x", "x=1&y=%ff"):
            assert (await site.client.get(f"{path}?{query}")).status_code == 200, query
