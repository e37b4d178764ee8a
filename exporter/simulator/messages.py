"""An HTTP request as it is received, and an answer as a value and as bytes."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import h11

from exporter.simulator.documents import Document

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; the headers that frame the body are added by `encode`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def json_answer(status: int, document: Document, wall_seconds: float) -> Answer:
    """Return the answer that carries a JSON object, dated with the wall clock (unix seconds)."""
    return Answer(
        status,
        (("Date", formatdate(wall_seconds, usegmt=True)), ("Content-Type", JSON_TYPE)),
        json_bytes(document),
    )


def json_bytes(document: object) -> bytes:
    """Write JSON as the exchange does: UTF-8, no spaces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode(answer: Answer) -> bytes:
    """Return the whole answer, framed by Content-Length."""
    return head(answer, ("Content-Length", str(len(answer.body)))) + answer.body


def head(answer: Answer, *framing: tuple[str, str], version: str = "HTTP/1.1") -> bytes:
    """Return the status line and the headers, `framing` included, up to the empty line."""
    lines = [f"{version} {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in (*answer.headers, *framing)]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


_READ_BYTES = 65_536
_MAX_BODY_BYTES = 65_536


class BadRequestError(Exception):
    """What arrived is not a request that can be answered; the text says why."""


@dataclass(frozen=True)
class Request:
    """The head of a request; header names are lower-case, and a body is dropped."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    keep_alive: bool


async def receive(reader: asyncio.StreamReader, leftover: bytes) -> tuple[Request | None, bytes]:
    """Return the next request and the bytes behind it; no request once the client has left.

    `leftover` are the bytes behind the request before. Raises BadRequestError.
    """
    # A parser per request: the answers are not told to h11, so one parser could not go on.
    parser = h11.Connection(h11.SERVER)
    if leftover:
        parser.receive_data(leftover)
    request: Request | None = None
    body_bytes = 0
    while True:
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequestError(str(error)) from error
        if event is h11.NEED_DATA:
            parser.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            request = _request(event)
        elif isinstance(event, h11.Data):
            body_bytes += len(event.data)
            if body_bytes > _MAX_BODY_BYTES:
                raise BadRequestError("request body too large")
        else:  # the end of the message, or of the connection
            return request, parser.trailing_data[0]


def _request(event: h11.Request) -> Request:
    headers = dict(event.headers)
    closes = b"close" in headers.get(b"connection", b"").lower()
    return Request(
        method=event.method.decode("ascii"),
        path=event.target.decode("ascii").partition("?")[0],
        headers=headers,
        keep_alive=event.http_version >= b"1.1" and not closes,
    )
