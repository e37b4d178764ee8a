"""An HTTP answer as a value, and its bytes."""

import json
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from exporter.simulator.documents import Document

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Answer:
    """Status, headers and body; the headers that frame the body are added by `encode`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def json_answer(status: int, document: Document, wall_seconds: float) -> Answer:
    """Give the answer that carries a JSON object, dated with the wall clock (unix seconds)."""
    return Answer(
        status,
        (("Date", formatdate(wall_seconds, usegmt=True)), ("Content-Type", JSON_TYPE)),
        json_bytes(document),
    )


def json_bytes(document: object) -> bytes:
    """Write JSON as the exchange does: UTF-8, no spaces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode(answer: Answer) -> bytes:
    """Give the whole answer, framed by Content-Length."""
    return head(answer, ("Content-Length", str(len(answer.body)))) + answer.body


def head(answer: Answer, *framing: tuple[str, str], version: str = "HTTP/1.1") -> bytes:
    """Give the status line and the headers, `framing` included, up to the empty line."""
    lines = [f"{version} {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in (*answer.headers, *framing)]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
