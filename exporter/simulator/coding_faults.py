"""Faults of the body's coding: compression nobody asked for, and wrong content types."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from exporter.simulator.answer import JSON_TYPE, Answer
from exporter.simulator.fault import Fault, InAnswer

_BOMB_BYTES = 64 * 1024 * 1024
_HTML = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


def _coded(coding: str, change: Callable[[bytes], bytes]) -> InAnswer:
    """Change the body, and announce a Content-Encoding."""
    return InAnswer(
        lambda good: replace(
            good,
            headers=(*good.headers, ("Content-Encoding", coding)),
            body=change(good.body),
        )
    )


def _typed(content_type: str | None, body: bytes | None = None) -> InAnswer:
    """Change the content type, None for none at all, and the body if there is another."""

    def change(good: Answer) -> Answer:
        others = tuple(header for header in good.headers if header[0] != "Content-Type")
        typed = () if content_type is None else (("Content-Type", content_type),)
        return replace(good, headers=others + typed, body=good.body if body is None else body)

    return InAnswer(change)


def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def _gzipped_in_part(body: bytes) -> bytes:
    packed = _gzipped(body)
    return packed[: len(packed) // 2]


@cache
def _bomb(body: bytes) -> bytes:
    return _gzipped(body + b" " * _BOMB_BYTES)


def _plain(body: bytes) -> bytes:
    return body


CODING_FAULTS = (
    Fault("gzip", "gzip, although identity was asked for", "wire", _coded("gzip", _gzipped)),
    Fault("gzip-truncated", "half of a gzip stream", "wire", _coded("gzip", _gzipped_in_part)),
    Fault(
        "gzip-bomb",
        "64 MiB of blanks behind the JSON, in 64 KiB of gzip",
        "wire",
        # One bomb for all accounts and times: it takes a while to build.
        _coded("gzip", lambda _body: _bomb(b"{}")),
    ),
    Fault(
        "gzip-claimed", "plain JSON under Content-Encoding: gzip", "wire", _coded("gzip", _plain)
    ),
    Fault(
        "gzip-unannounced",
        "gzip without a Content-Encoding",
        "wire",
        InAnswer(lambda good: replace(good, body=_gzipped(good.body))),
    ),
    Fault("deflate", "deflate, although not asked for", "wire", _coded("deflate", zlib.compress)),
    Fault("brotli-claimed", "plain JSON under Content-Encoding: br", "wire", _coded("br", _plain)),
    Fault(
        "content-coding-unknown",
        "a Content-Encoding nobody knows",
        "wire",
        _coded("rot13", _plain),
    ),
    Fault("html", "200 with an HTML page", "wire", _typed("text/html", _HTML)),
    Fault("html-as-json", "200 with HTML called JSON", "wire", _typed(JSON_TYPE, _HTML)),
    Fault("empty-body", "200 with an empty body", "wire", _typed(JSON_TYPE, b"")),
    Fault("json-as-html", "good JSON called text/html", "wire", _typed("text/html")),
    Fault("json-as-text", "good JSON called text/plain", "wire", _typed("text/plain")),
    Fault("json-as-bytes", "good JSON called octets", "wire", _typed("application/octet-stream")),
    Fault("json-untyped", "good JSON without a content type", "wire", _typed(None)),
    Fault("content-type-junk", "a content type that is none", "wire", _typed("json, please")),
)
