"""The ASGI application: `/`, `/metrics`, `/-/healthy`, `/-/ready`, all by GET; POST `/-/reload`."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.metrics.negotiation import accepts_gzip, choose_format
from exporter.metrics.page import Exposition, in_parts
from exporter.state.store import Store
from exporter.web.http1 import Receive, Scope, Send
from exporter.web.status_page import StatusPage
from exporter.web.status_style import STYLE_SOURCE

Reload = Callable[[], Awaitable[Sequence[str]]]
"""Loads the configuration anew, and gives the problems that kept it from being used."""

_RELOAD_PATH = "/-/reload"
_TEXT = "text/plain; charset=utf-8"
# So many, if they are taken at once, before others may run.
_PARTS_IN_A_ROW = 16
_SECURITY_POLICY = (
    f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# As they go out, for they go out with every page.
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
