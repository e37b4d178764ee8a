"""The door before the pages: who may come in, and the headers that the operator wants on each."""

from collections.abc import Mapping

from exporter.access.basic_auth import Verdict
from exporter.access.protection import Guarded, Protection
from exporter.web.http1 import ASGIApplication, Message, Receive, Scope, Send

# What supervises us has no password.
_OPEN_PATH = "/-/healthy"

_REFUSALS = {
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


class Door:
    """An ASGI application before another one. Asks `protection` at each request."""

    def __init__(self, application: ASGIApplication, protection: Protection) -> None:
        self._application = application
        self._protection = protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        guarded = self._protection.present()
        send = _with_headers(send, guarded.config.headers)
        refusal = _REFUSALS.get(await _judge(scope, guarded))
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await _refuse(*refusal, send, with_body=scope["method"] != "HEAD")


async def _judge(scope: Scope, guarded: Guarded) -> Verdict:
    if not guarded.config.users or scope["path"] == _OPEN_PATH:
        return Verdict.GRANTED
    given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    if len(given) != 1:
        return Verdict.DENIED
    return await guarded.authenticator.check(given[0].decode("latin-1"), scope["client"][0])


async def _refuse(
    status: int, body: bytes, header: tuple[bytes, bytes], send: Send, *, with_body: bool
) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        header,
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
