"""The ASGI application: `/`, `/metrics`, `/-/healthy`, `/-/ready` by GET, `/-/reload` by POST.

The middleware before it decides who may come in, and adds the operator's own headers. It keeps out
web pages that are open in a browser, too: they may have their own host name lead to a loopback
address (DNS rebinding) in order to read what is there, and can send a POST anywhere.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.addresses import is_address, is_loopback
from exporter.metrics.negotiation import accepts_gzip, choose_format
from exporter.metrics.page import Exposition, in_parts
from exporter.state import Store
from exporter.web.server import ASGIApplication, Message, Receive, Scope, Send
from exporter.web.status_page import STYLE_SOURCE, StatusPage
from exporter.web.tls import Guarded, Protection
from exporter.web.users import Verdict

# What supervises us has no password.
_OPEN_PATH = "/-/healthy"

_RELOAD_PATH = "/-/reload"
_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d*)?", re.ASCII)

_Refusal = tuple[int, bytes, tuple[bytes, bytes] | None]

_MISDIRECTED: _Refusal = (
    421,
    (
        b"not served under the name of this request's Host, lest web pages of others read it; "
        b"if the name is this exporter's, start it with --web.allowed-hosts=NAME\n"
    ),
    None,
)
_CROSS_SITE: _Refusal = (403, b"a web page of another site cannot reload\n", None)
_REFUSALS: Mapping[Verdict, _Refusal] = {
    Verdict.DENIED: (
        401,
        b"user and password are needed\n",
        (b"www-authenticate", b'Basic realm="bitopro-margin-exporter", charset="UTF-8"'),
    ),
    Verdict.CROWDED: (
        429,
        b"too many passwords are being checked\n",
        (b"retry-after", b"1"),
    ),
}


class AllowedHosts:
    """Knows under which names (the header Host) our pages are served.

    An address on loopback is served under loopback's own names and the given ones. Any other is
    served under every name, or, where names are given, under those and under every IP address: only
    a name can be made to lead elsewhere. The name `*` is every name.
    """

    def __init__(self, names: Iterable[str] = (), listen_hosts: Iterable[str] = ()) -> None:
        given = frozenset(map(_plain, names))
        self._allows_all = "*" in given
        self._is_given = bool(given)
        # An exporter that listens on a name is asked under it.
        self._names = given | frozenset(map(_plain, filter(None, listen_hosts)))

    def allow(self, scope: Scope) -> bool:
        """Return whether the request may be answered. Without a Host, it is not of a browser."""
        is_on_loopback = is_loopback(scope["server"][0])
        if self._allows_all or not (is_on_loopback or self._is_given):
            return True
        hosts = [_host(value) for value in _values(scope, b"host")]
        return all(
            not host
            or host in self._names
            or host == "localhost"
            or host.endswith(".localhost")
            or (is_loopback(host) if is_on_loopback else is_address(host))
            for host in hosts
        )


class AuthMiddleware:
    """An ASGI application before another one. Asks `protection` at each request."""

    def __init__(
        self,
        application: ASGIApplication,
        protection: Protection,
        allowed_hosts: AllowedHosts | None = None,
    ) -> None:
        self._application = application
        self._protection = protection
        self._allowed_hosts = allowed_hosts or AllowedHosts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        guarded = self._protection.present()
        send = _with_headers(send, guarded.config.headers)
        refusal = self._refusal_of_page(scope) or _REFUSALS.get(await _judge(scope, guarded))
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await _refuse(*refusal, send, with_body=scope["method"] != "HEAD")

    def _refusal_of_page(self, scope: Scope) -> _Refusal | None:
        if scope["path"] == _OPEN_PATH:
            return None
        if not self._allowed_hosts.allow(scope):
            return _MISDIRECTED
        return _CROSS_SITE if scope["path"] == _RELOAD_PATH and _is_cross_site(scope) else None


def _is_cross_site(scope: Scope) -> bool:
    """Return whether a page of another origin sent the request; what is no browser says nothing."""
    if sites := _values(scope, b"sec-fetch-site"):
        return any(site not in ("same-origin", "none") for site in sites)
    hosts = _values(scope, b"host")
    # Without the scheme, which a proxy may have changed.
    return any(
        origin.partition("://")[2] not in hosts or not origin.partition("://")[2]
        for origin in _values(scope, b"origin")
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [
        value.decode("latin-1").strip().lower()
        for each, value in scope["headers"]
        if each.lower() == name
    ]


def _host(value: str) -> str:
    """Return the name or address in a header Host, without its port."""
    found = _HOST.fullmatch(value)
    return _plain(found[1] or found[2]) if found else value


def _plain(host: str) -> str:
    return host.lower().strip("[]").removesuffix(".").partition("%")[0]


async def _judge(scope: Scope, guarded: Guarded) -> Verdict:
    if not guarded.config.users or scope["path"] == _OPEN_PATH:
        return Verdict.GRANTED
    given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    if len(given) != 1:
        return Verdict.DENIED
    return await guarded.authenticator.check(given[0].decode("latin-1"), scope["client"][0])


async def _refuse(
    status: int, body: bytes, header: tuple[bytes, bytes] | None, send: Send, *, with_body: bool
) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *([header] if header else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    part = body if with_body else b""
    await send({"type": "http.response.body", "body": part, "more_body": False})


def _with_headers(send: Send, wanted: Mapping[str, str]) -> Send:
    """Return what puts the operator's headers in the place of ours."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = [each for each in message["headers"] if each[0].decode() not in wanted]
            operators = ((name.encode(), text.encode()) for name, text in wanted.items())
            message["headers"] = [*ours, *operators]
        await send(message)

    return send_with_headers if wanted else send


Reload = Callable[[], Awaitable[Sequence[str]]]
"""Reloads the configuration, and returns the problems that kept it from being used."""

_TEXT = "text/plain; charset=utf-8"
# So many, if they are taken at once, before others may run.
_PARTS_IN_A_ROW = 16
_SECURITY_POLICY = (
    f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# As bytes, because they go out with every page.
_SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _SECURITY_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes | Sequence[bytes]
    content_type: str = _TEXT
    headers: Mapping[str, str] | None = None


class Application:
    """Serves what is known already; no request ever waits for the exchange."""

    def __init__(
        self,
        store: Store,
        exposition: Exposition,
        telemetry_path: str,
        status_page: StatusPage,
        reload: Reload | None = None,
    ) -> None:
        self._store = store
        self._exposition = exposition
        self._status_page = status_page
        self._reload = reload
        self._pages = {
            telemetry_path: self._metrics,
            "/": self._status,
            "/-/healthy": self._healthy,
            "/-/ready": self._ready,
        }

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one HTTP request; our server sends nothing else, and no body is read."""
        response = await self._respond(scope)
        await _send(response, send, with_body=scope["method"] != "HEAD")

    async def _respond(self, scope: Scope) -> _Response:
        if scope["path"] == _RELOAD_PATH:
            return await self._reloaded(scope)
        page = self._pages.get(scope["path"])
        if page is None:
            return _Response(404, b"not found\n")
        if scope["method"] not in ("GET", "HEAD"):
            return _Response(405, b"only GET\n", headers={"allow": "GET, HEAD"})
        return await page(_headers(scope["headers"]))

    async def _metrics(self, request_headers: Mapping[str, str]) -> _Response:
        format_ = choose_format(request_headers.get("accept", ""))
        headers = {"vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request_headers.get("accept-encoding", "")):
            headers["content-encoding"] = "gzip"
            body = await self._exposition.compressed(format_)
        else:
            body = await self._exposition.plain(format_)
        return _Response(200, body, format_.value, headers)

    async def _reloaded(self, scope: Scope) -> _Response:
        if self._reload is None:
            return _Response(404, b"off; start with --web.enable-lifecycle, or send SIGHUP\n")
        if scope["method"] != "POST":
            return _Response(405, b"only POST\n", headers={"allow": "POST"})
        problems = await self._reload()
        if problems:
            text = "".join(f"{each}\n" for each in ("the old configuration goes on", *problems))
            return _Response(500, text.encode())
        return _Response(200, b"reloaded\n")

    async def _status(self, _: Mapping[str, str]) -> _Response:
        page = self._status_page.render(self._store.states())
        return _Response(200, page.encode(), "text/html; charset=utf-8")

    async def _healthy(self, _: Mapping[str, str]) -> _Response:
        return _Response(200, b"healthy\n")

    async def _ready(self, _: Mapping[str, str]) -> _Response:
        untried = [state.account.name for state in self._store.states() if not state.is_tried]
        if untried:
            return _Response(503, f"not yet polled: {', '.join(untried)}\n".encode())
        return _Response(200, b"ready\n")


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Join repeated headers by a comma (RFC 9110, 5.3); names are lower-case."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _send(response: _Response, send: Send, *, with_body: bool) -> None:
    body = (response.body,) if isinstance(response.body, bytes) else response.body
    headers = {
        "content-type": response.content_type,
        "content-length": str(sum(map(len, body))),
        **(response.headers or {}),
    }
    own = ((name.encode(), value.encode()) for name, value in headers.items())
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [*own, *_SECURITY_HEADERS],
        }
    )
    for number, part in enumerate(in_parts(body if with_body else ()), start=1):
        await send({"type": "http.response.body", "body": part, "more_body": True})
        if number % _PARTS_IN_A_ROW == 0:
            await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
