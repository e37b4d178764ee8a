"""Under which names pages are served, over real sockets: a web page's own name is none of them."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from exporter.web.application import AllowedHosts, AuthMiddleware
from exporter.web.server import Receive, Scope, Send
from exporter.web.tls import Protection
from tests.abuse.serving import serving
from tests.web.protected import TLS_TEXT, client_context, write_certificate, write_web_config

pytestmark = pytest.mark.anyio

OWN = (
    "localhost",
    "LOCALHOST",
    "localhost.",
    "exporter.localhost",
    "127.0.0.1",
    "127.8.9.10",
    "[::1]",
    "[::1%25lo]",
    "[::ffff:127.0.0.1]",
)
FOREIGN = (
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "notlocalhost",
    "192.0.2.1",
    "0.0.0.0",  # noqa: S104 - a Host, which is not bound
    "[2001:db8::1]",
    "127.0.0.1@evil.example",
    "evil.example:80:127.0.0.1",
    "[::1",
    "[]",
    "..",
)


async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Serve a page without a word."""
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def middleware(*names: str, listen_hosts: Sequence[str] = ()) -> AuthMiddleware:
    return AuthMiddleware(page, Protection(), AllowedHosts(names, listen_hosts))


async def answer(
    port: int,
    lines: Sequence[str],
    path: str = "/metrics",
    version: str = "1.1",
    trust: ssl.SSLContext | None = None,
) -> tuple[int, str]:
    """Return status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    head = "\r\n".join([f"GET {path} HTTP/{version}", *lines, "", ""])
    writer.write(head.encode("latin-1"))
    received = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(received.split(" ", 2)[1]), received.partition("\r\n\r\n")[2]


async def statuses(port: int, hosts: Sequence[str]) -> dict[str, int]:
    """Return the status of each Host, without and with a port, where both are the same."""
    found: dict[str, int] = {}
    for host in hosts:
        plain, _ = await answer(port, [f"Host: {host}"])
        with_port, _ = await answer(port, [f"Host: {host}:{port}"])
        assert plain == with_port, host
        found[host] = plain
    return found


async def test_loopback_is_served_under_its_own_names_only() -> None:
    async with serving(middleware()) as port:
        own, foreign = await statuses(port, OWN), await statuses(port, FOREIGN)

    assert own == dict.fromkeys(OWN, 200)
    assert set(foreign.values()) <= {400, 421}
    assert foreign["evil.example"] == 421


async def test_refusal_names_the_setting_and_not_the_host() -> None:
    async with serving(middleware()) as port:
        status, text = await answer(port, ["Host: evil.example"])

    assert status == 421
    assert "--web.allowed-hosts=NAME" in text
    assert "evil" not in text


async def test_loopback_is_served_under_a_name_that_is_allowed_or_listened_on() -> None:
    hosts = ("exporter.example", "EXPORTER.example.", "host.internal", "evil.example")
    async with serving(middleware("Exporter.Example", listen_hosts=["host.internal", ""])) as port:
        assert list((await statuses(port, hosts)).values()) == [200, 200, 200, 421]


async def test_star_allows_every_name() -> None:
    async with serving(middleware("*")) as port:
        assert await statuses(port, ["evil.example"]) == {"evil.example": 200}


async def test_other_addresses_are_served_under_any_name_until_one_is_given() -> None:
    async with serving(middleware(), host="0.0.0.0") as port:  # noqa: S104 - what is tested
        assert set((await statuses(port, ["evil.example", "192.0.2.1"])).values()) == {200}
    async with serving(middleware("a.example"), host="0.0.0.0") as port:  # noqa: S104 - likewise
        hosts = ("evil.example", "a.example", "192.0.2.1", "[2001:db8::1]", "localhost")
        assert list((await statuses(port, hosts)).values()) == [421, 200, 200, 200, 200]


async def test_listening_on_a_name_closes_no_other_address() -> None:
    only_listens = middleware(listen_hosts=["exporter.example"])
    async with serving(only_listens, host="0.0.0.0") as port:  # noqa: S104 - likewise
        assert await statuses(port, ["evil.example"]) == {"evil.example": 200}


@pytest.mark.parametrize(("lines", "version"), [([], "1.0"), (["Host:"], "1.1")])
async def test_client_that_names_no_host_is_no_browser(lines: list[str], version: str) -> None:
    async with serving(middleware()) as port:
        assert (await answer(port, lines, version=version))[0] == 200


async def test_health_is_told_under_every_name() -> None:
    async with serving(middleware()) as port:
        assert (await answer(port, ["Host: pod.example"], "/-/healthy"))[0] == 200


async def test_names_are_held_to_under_tls_too(tmp_path: Path) -> None:
    authority = trustme.CA()
    write_certificate(tmp_path, authority)
    protection = Protection(write_web_config(tmp_path, TLS_TEXT))
    async with serving(AuthMiddleware(page, protection), protection.tls) as port:
        trust = client_context(authority)
        assert (await answer(port, ["Host: evil.example"], trust=trust))[0] == 421
        assert (await answer(port, [f"Host: localhost:{port}"], trust=trust))[0] == 200
