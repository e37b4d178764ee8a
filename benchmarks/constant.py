"""The floor: an application that holds its page and sends it as it is."""

from exporter.web.server import Receive, Scope, Send

_PART_BYTES = 1 << 16


class ConstantSite:
    """Answers every request with the same bytes, compressed for clients that take that."""

    def __init__(self, plain: bytes, compressed: bytes) -> None:
        self._plain = plain
        self._compressed = compressed

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one request."""
        headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
        body = self._plain
        if any(value == b"gzip" for name, value in scope["headers"] if name == b"accept-encoding"):
            headers.append((b"content-encoding", b"gzip"))
            body = self._compressed
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, len(body), _PART_BYTES):
            part = body[start : start + _PART_BYTES]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
