"""The door before the pages: who may come in, and the headers that the operator wants on each.

A web page that somebody has open in a browser is kept out, too: it may have its own name lead to a
loopback address (DNS rebinding) in order to read what is there, and can send a POST anywhere.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from exporter.access.basic_auth import Verdict
from exporter.access.protection import Guarded, Protection
from exporter.web.http1 import ASGIApplication, Message, Receive, Scope, Send

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
        # Whoever listens on a name is asked under it.
        self._names = given | frozenset(map(_plain, filter(None, listen_hosts)))

    def allow(self, scope: Scope) -> bool:
        """Return whether the request may be answered. Without a Host, it is not of a browser."""
        is_on_loopback = _is_loopback(scope["server"][0])
        if self._allows_all or not (is_on_loopback or self._is_given):
            return True
        hosts = [_host(value) for value in _values(scope, b"host")]
        return all(
            not host
            or host in self._names
            or host == "localhost"
            or host.endswith(".localhost")
            or (_is_loopback(host) if is_on_loopback else _is_address(host))
            for host in hosts
        )


class Door:
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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


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
    """Give what puts the operator's headers in the place of ours."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = [each for each in message["headers"] if each[0].decode() not in wanted]
            operators = ((name.encode(), text.encode()) for name, text in wanted.items())
            message["headers"] = [*ours, *operators]
        await send(message)

    return send_with_headers if wanted else send
