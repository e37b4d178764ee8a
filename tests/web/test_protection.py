"""Our own port behind TLS and users, over real sockets, and what becomes of rotated files."""

import asyncio
import json
import logging
import os
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from exporter.config.files import CredentialSource, Secret
from exporter.config.settings import AccountSettings, Settings
from exporter.errors import ConfigurationError
from exporter.state import Account
from exporter.web.application import AuthMiddleware
from exporter.web.server import Receive, Scope, Send
from exporter.web.tls import Protection
from tests.abuse.serving import serving
from tests.exporting import exporting
from tests.web.protected import (
    CLIENTS_TEXT,
    PASSWORD,
    TLS_TEXT,
    USER,
    client_context,
    hash_of,
    users_text,
    write_certificate,
    write_web_config,
)

pytestmark = pytest.mark.anyio

RIGHT, WRONG = (USER, PASSWORD), (USER, "wrong")


class Page:
    """A page that tells how it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        self.asked.append(f"{scope['scheme']} {scope['path']} for {scope['client'][0]}")
        headers = [(b"content-length", b"2"), (b"x-frame-options", b"DENY")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok", "more_body": False})


class Site:
    """A protected page on a free port. `look_again` lets the protection look at the files again."""

    def __init__(self, path: Path) -> None:
        self._seconds = 0.0
        self.page = Page()
        self.protection = Protection(path, lambda: self._seconds)
        self.port = 0

    def look_again(self) -> None:
        self._seconds += 1.0

    async def get(
        self,
        path: str = "/metrics",
        auth: tuple[str, str] | None = None,
        trust: ssl.SSLContext | bool = True,  # noqa: FBT001, FBT002 - httpx's own default
        method: str = "GET",
    ) -> httpx.Response:
        async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=10.0) as client:
            url = f"{self.protection.scheme}://127.0.0.1:{self.port}{path}"
            return await client.request(method, url, auth=auth or httpx.USE_CLIENT_DEFAULT)


@asynccontextmanager
async def site(folder: Path, *parts: str) -> AsyncIterator[Site]:
    """Serve a page under a web.yml of these parts."""
    served = Site(write_web_config(folder, *parts))
    middleware = AuthMiddleware(served.page, served.protection)
    async with serving(middleware, served.protection.tls) as port:
        served.port = port
        yield served


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """An authority, whose certificate for this machine is in the folder."""
    made = trustme.CA()
    write_certificate(tmp_path, made)
    return made


async def test_page_needs_the_password(tmp_path: Path) -> None:
    async with site(tmp_path, users_text()) as served:
        assert (await served.get(auth=RIGHT)).text == "ok"
        refused = await served.get(auth=WRONG)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == (
        'Basic realm="bitopro-margin-exporter", charset="UTF-8"'
    )
    assert refused.text == "user and password are needed\n"
    assert served.page.asked == ["http /metrics for 127.0.0.1"]


async def test_every_page_but_health_is_behind_the_password(tmp_path: Path) -> None:
    paths = ["/", "/metrics", "/-/ready", "/-/reload", "/-/healthy/", "//-/healthy", "/nowhere"]
    async with site(tmp_path, users_text()) as served:
        refused = [
            (await served.get(path, method=method)).status_code
            for path in paths
            for method in ("GET", "POST", "HEAD")
        ]
        assert served.page.asked == []
        assert (await served.get("/-/healthy")).status_code == 200

    assert set(refused) == {401}


async def test_two_sets_of_credentials_are_refused(tmp_path: Path) -> None:
    async with site(tmp_path, users_text()) as served:
        given = httpx.BasicAuth(*RIGHT)._auth_header  # noqa: SLF001 - the header's text
        async with httpx.AsyncClient(trust_env=False) as client:
            refused = await client.get(
                f"http://127.0.0.1:{served.port}/",
                headers=[("authorization", given), ("authorization", given)],
            )

    assert refused.status_code == 401


async def test_headers_of_the_operator_replace_ours(tmp_path: Path) -> None:
    text = "http_server_config: {headers: {X-Frame-Options: sameorigin}}\n"
    async with site(tmp_path, text, users_text()) as served:
        allowed, refused = await served.get(auth=RIGHT), await served.get()

    assert allowed.headers.get_list("x-frame-options") == ["sameorigin"]
    assert refused.headers.get_list("x-frame-options") == ["sameorigin"]


async def test_old_versions_of_tls_are_refused(tmp_path: Path, authority: trustme.CA) -> None:
    old, new = client_context(authority), client_context(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with site(tmp_path, TLS_TEXT) as served:
        assert [await answer(served, each) for each in (old, new)] == ["served", "served"]
    assert served.page.asked == ["https /metrics for 127.0.0.1"] * 2
    async with site(tmp_path, TLS_TEXT, "  min_version: TLS13\n") as served:
        assert [await answer(served, each) for each in (old, new)] == ["refused", "served"]


async def answer(served: Site, trust: ssl.SSLContext) -> str:
    """Return whether a client gets the page, or no connection."""
    try:
        await served.get(trust=trust)
    except httpx.TransportError:
        return "refused"
    return "served"


@pytest.mark.parametrize(
    ("kind", "without"),
    [("RequireAndVerifyClientCert", "refused"), ("VerifyClientCertIfGiven", "served")],
)
async def test_certificate_of_a_client_is_asked_for_and_no_other_authoritys_is_accepted(
    tmp_path: Path, authority: trustme.CA, kind: str, without: str
) -> None:
    name = ["prometheus.example.com"]
    old = client_context(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    clients = {
        "without": (client_context(authority), without),
        "without, under the older TLS": (old, without),
        "with": (client_context(authority, name), "served"),
        "of another authority": (client_context(authority, name, trustme.CA()), "refused"),
    }
    async with site(tmp_path, CLIENTS_TEXT.replace("RequireAndVerifyClientCert", kind)) as served:
        outcomes = {each: await answer(served, trust) for each, (trust, _) in clients.items()}

    assert outcomes == {each: expected for each, (_, expected) in clients.items()}
    assert len(served.page.asked) == list(outcomes.values()).count("served")


async def test_client_needs_one_of_the_names_allowed(tmp_path: Path, authority: trustme.CA) -> None:
    allowed = ["prometheus.example.com", "10.1.2.3", "2001:db8::1", "ops@example.com"]
    others = ["example.com", "a.prometheus.example.com", "10.1.2.4", "dev@example.com"]
    text = f"  client_allowed_sans: {json.dumps(allowed)}\n"
    async with site(tmp_path, CLIENTS_TEXT, text) as served:
        outcomes = {
            name: await answer(served, client_context(authority, [name]))
            for name in (*allowed, *others)
        }

    assert outcomes == {**dict.fromkeys(allowed, "served"), **dict.fromkeys(others, "refused")}
    assert len(served.page.asked) == len(allowed)


async def test_client_without_an_allowed_name_is_logged(
    tmp_path: Path, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = client_context(authority, ["other.example.com"])
    async with site(tmp_path, CLIENTS_TEXT, "  client_allowed_sans: [a.example.com]\n") as served:
        await answer(served, stranger)
        await answer(served, stranger)

    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [
        "a client's certificate has no allowed name"
    ]


async def test_plain_text_on_a_port_with_tls_is_no_error(
    tmp_path: Path, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path, TLS_TEXT) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert await answer(served, client_context(authority)) == "served"

    assert b"ok" not in received
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_renewed_certificate_is_served_to_the_next_client(
    tmp_path: Path, authority: trustme.CA
) -> None:
    renewed = trustme.CA()
    async with site(tmp_path, TLS_TEXT) as served:
        assert await answer(served, client_context(authority)) == "served"

        write_certificate(tmp_path, renewed)
        served.look_again()

        assert await answer(served, client_context(authority)) == "refused"
        assert await answer(served, client_context(renewed)) == "served"


async def test_certificate_without_its_key_is_not_served_until_the_key_has_come(
    tmp_path: Path, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    renewed = trustme.CA()
    async with site(tmp_path, TLS_TEXT) as served:
        old_key = (tmp_path / "server.key").read_bytes()
        write_certificate(tmp_path, renewed)
        new_key = (tmp_path / "server.key").read_bytes()
        (tmp_path / "server.key").write_bytes(old_key)
        served.look_again()
        assert await answer(served, client_context(authority)) == "served"
        served.look_again()
        assert await answer(served, client_context(authority)) == "served"

        (tmp_path / "server.key").write_bytes(new_key)
        served.look_again()
        assert await answer(served, client_context(renewed)) == "served"

    assert [getattr(each, "detail", "") for each in caplog.records if each.levelno > 20] == [
        f"{tmp_path / 'web.yml'}: tls_server_config.key_file: is not the key of cert_file"
    ]


async def test_new_user_and_changed_password_hold_at_once(tmp_path: Path) -> None:
    async with site(tmp_path, users_text()) as served:
        assert (await served.get(auth=RIGHT)).status_code == 200

        write_web_config(tmp_path, users_text(), f"  new: {hash_of('new password')}\n")
        served.look_again()
        assert (await served.get(auth=("new", "new password"))).status_code == 200
        assert (await served.get(auth=RIGHT)).status_code == 200

        write_web_config(tmp_path, users_text("another"))
        served.look_again()
        assert (await served.get(auth=RIGHT)).status_code == 401
        assert (await served.get(auth=(USER, "another"))).status_code == 200


BAD_FILES = {
    "empty, because it is just being written": "",
    "without users": "http_server_config: {}\n",
    "with a misspelt key": "basic_auth_user: {}\n",
    "with broken YAML": "basic_auth_users: {",
    "with a password for a hash": "basic_auth_users: {prometheus: s3cret}\n",
    "with TLS that was not there before": TLS_TEXT + users_text(),
}


@pytest.mark.parametrize("text", BAD_FILES.values(), ids=BAD_FILES)
@pytest.mark.usefixtures("authority")
async def test_bad_file_leaves_the_old_one_in_force(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path, users_text()) as served:
        write_web_config(tmp_path, text)
        served.look_again()
        assert (await served.get(auth=RIGHT)).status_code == 200
        served.look_again()
        assert (await served.get(auth=WRONG)).status_code == 401

    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert [each.message for each in errors] == ["the old web configuration stays"]
    assert "s3cret" not in str(vars(errors[0]))


async def test_file_that_is_gone_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    async with site(tmp_path, users_text()) as served:
        (tmp_path / "web.yml").unlink()
        served.look_again()

        assert (await served.get(auth=WRONG)).status_code == 401


HALF_FILES = {
    "users": (f"{CLIENTS_TEXT}", "basic_auth_users"),
    "names of clients": (f"{CLIENTS_TEXT}{users_text()}", "client_allowed_sans"),
    "version of TLS": (
        f"{CLIENTS_TEXT}  client_allowed_sans: [a.example.com]\n{users_text()}",
        "min_version",
    ),
    "certificates of clients": (f"{TLS_TEXT}{users_text()}", "client_auth_type"),
}


@pytest.mark.parametrize(("half", "key"), HALF_FILES.values(), ids=HALF_FILES)
@pytest.mark.usefixtures("authority")
async def test_half_of_a_file_takes_no_protection_away(
    tmp_path: Path, half: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = (
        f"{CLIENTS_TEXT}  client_allowed_sans: [a.example.com]\n  min_version: TLS13\n",
        users_text(),
    )
    async with site(tmp_path, *whole) as served:
        write_web_config(tmp_path, half)
        served.look_again()
        served.protection.present()

    details = [vars(each)["detail"] for each in caplog.records if each.levelno == logging.ERROR]
    assert any(f"{key}: protects less than before" in each for each in details)


async def test_change_that_keeps_size_and_time_of_the_file_is_noticed(tmp_path: Path) -> None:
    async with site(tmp_path, users_text()) as served:
        path = tmp_path / "web.yml"
        before = path.stat()
        path.write_text(path.read_text().replace(f"{USER}:", f"{USER[:-1]}x:"))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        served.look_again()

        assert (await served.get(auth=RIGHT)).status_code == 401


async def test_tls_is_not_taken_away(tmp_path: Path, authority: trustme.CA) -> None:
    async with site(tmp_path, TLS_TEXT) as served:
        write_web_config(tmp_path, "")
        served.look_again()
        served.protection.present()

        assert served.protection.scheme == "https"
        assert await answer(served, client_context(authority)) == "served"


async def test_renewed_certificate_leaves_who_was_let_in(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path, TLS_TEXT, users_text()) as served:
        await served.get(auth=RIGHT, trust=client_context(authority))
        write_certificate(tmp_path, authority)
        served.look_again()
        monkeypatch.setattr("bcrypt.checkpw", None)

        again = await served.get(auth=RIGHT, trust=client_context(authority))

    assert again.status_code == 200


def bad_files(folder: Path, *parts: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        Protection(write_web_config(folder, *parts))
    return tuple(each.replace(str(folder), "") for each in caught.value.problems)


def _into_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _with_a_password(path: Path) -> None:
    key = load_pem_private_key(path.read_bytes(), None)
    encryption = BestAvailableEncryption(b"secret")
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


IN_PEM = "not a certificate and its key, in PEM and without a password"
# A file, what becomes of it, and what is told.
UNREADABLE: list[tuple[str, Callable[[Path], object], str]] = [
    ("server.crt", Path.unlink, "cert_file: cannot read /server.crt: No such file or directory"),
    ("server.key", Path.unlink, "key_file: cannot read /server.key: No such file or directory"),
    ("server.key", lambda path: path.write_text("no key"), f"cert_file, key_file: {IN_PEM}"),
    ("server.key", _with_a_password, f"cert_file, key_file: {IN_PEM}"),
    ("ca.crt", lambda path: path.write_text("no"), "client_ca_file: holds no certificate in PEM"),
    ("ca.crt", Path.unlink, "client_ca_file: cannot read /ca.crt: No such file or directory"),
    (
        "server.key",
        _into_a_fifo,
        "key_file: /server.key is a fifo, which is what <(...) makes, and not a regular file; "
        "name a regular file",
    ),
]


def test_bad_certificates_are_told_by_their_key_and_no_password_is_asked_for(
    tmp_path: Path,
) -> None:
    for name, spoil, problem in UNREADABLE:
        (tmp_path / "server.key").unlink(missing_ok=True)
        write_certificate(tmp_path, trustme.CA())
        spoil(tmp_path / name)

        assert bad_files(tmp_path, CLIENTS_TEXT) == (f"/web.yml: tls_server_config.{problem}",)


def test_users_without_bcrypt_are_a_problem_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bcrypt", None)

    assert bad_files(tmp_path, users_text()) == (
        "/web.yml: basic_auth_users: needs the Python package bcrypt, which is not installed; "
        "install requirements/auth.txt, or bitopro-margin-exporter[auth]",
    )


async def test_scrape_is_answered_while_the_look_ups_of_ten_accounts_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, look_up = threading.Event(), socket.getaddrinfo
    loop, is_hanging = asyncio.get_running_loop(), asyncio.Event()

    # A resolver that does not answer.
    def hang(host: str, *arguments: Any, **others: Any) -> Any:  # noqa: ANN401 - passed on
        if "exchange.invalid" in str(host):
            loop.call_soon_threadsafe(is_hanging.set)
            goes_on.wait(30.0)
        return look_up(host, *arguments, **others)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    secret = Secret("test", value="x@example.com")
    accounts = tuple(
        AccountSettings(
            Account(f"account-{number}", "https://exchange.invalid/v3", 5.0, 15.0),
            CredentialSource(secret, secret, secret),
        )
        for number in range(10)
    )
    protection = Protection(write_web_config(tmp_path, users_text()))
    try:
        async with (
            exporting(Settings(accounts, ()), protection=protection) as target,
            httpx.AsyncClient(trust_env=False, timeout=5.0) as client,
        ):
            async with asyncio.timeout(10.0):
                await is_hanging.wait()
            scraped = await client.get(f"http://{target.address}/metrics", auth=RIGHT)
            goes_on.set()
    finally:
        goes_on.set()

    assert scraped.status_code == 200
