"""Faults of status, headers and content coding."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache

from exporter.simulator.faults.fault import Fault, InAnswer, Redirect
from exporter.simulator.messages import JSON_TYPE, Answer, json_bytes

_RETRY_DELAY = timedelta(seconds=90)

_ERRORS = (
    (400, "request parameters mismatch"),
    (401, "API key deleted, or wrong key or signature"),
    (403, "the key lacks the permission"),
    (404, "wrong path"),
    (408, "the request took too long"),
    (409, "the clocks differ, or a nonce was used before"),
    (422, "unprocessable"),
    (429, "too many requests"),
    (500, "a defect of the exchange"),
    (502, "the gateway got no answer"),
    (503, "the exchange is being maintained"),
    (504, "the gateway waited in vain"),
)
_CLOUDFLARE_STATUSES = (520, 521, 522, 523, 524, 525, 526, 530)
_HTML_STATUSES = (401, 403, 404, 500, 502, 503, 504)
_EMPTY_STATUSES = (401, 429, 500, 502, 503)
_WRONG_STATUSES = (101, 201, 202, 203, 204, 206, 304, 401, 500, 999)
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)

_RETRY_AFTER = (
    ("seconds", "7 seconds", "7"),
    ("zero", "0 seconds", "0"),
    ("huge", "thirty years", "999999999"),
    ("overflow", "400 digits", "9" * 400),
    ("negative", "a negative number", "-5"),
    ("fraction", "a fraction", "1.5"),
    ("junk", "no number and no date", "soon"),
)


def _error(status: int, content_type: str, body: bytes, *more: tuple[str, str]) -> InAnswer:
    def change(good: Answer) -> Answer:
        return Answer(status, (_date(good), ("Content-Type", content_type), *more), body)

    return InAnswer(change)


def _json_error(status: int, *more: tuple[str, str]) -> InAnswer:
    return _error(status, JSON_TYPE, json_bytes({"error": dict(_ERRORS)[status]}), *more)


def _html_error(status: int) -> InAnswer:
    page = f"<html><body><center><h1>{status}</h1></center><hr>gateway</body></html>"
    return _error(status, "text/html", page.encode())


def _challenge(status: int) -> InAnswer:
    page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"
    marks = (("Server", "cloudflare"), ("cf-mitigated", "challenge"))
    return _error(status, "text/html; charset=UTF-8", page, *marks)


def _retry_at_a_date(good: Answer) -> Answer:
    later = parsedate_to_datetime(_date(good)[1]) + _RETRY_DELAY
    retry_after = ("Retry-After", format_datetime(later, usegmt=True))
    return _json_error(429, retry_after).change(good)


def _date(good: Answer) -> tuple[str, str]:
    return next(header for header in good.headers if header[0] == "Date")


def _under(status: int) -> InAnswer:
    """Send the good body under another status."""
    return InAnswer(lambda good: replace(good, status=status))


STATUS_FAULTS = (
    *(
        Fault(f"status-{status}", f"{status}: {meaning}", "status", _json_error(status))
        for status, meaning in _ERRORS
    ),
    *(
        Fault(f"status-{status}-html", f"{status} with a page", "status", _html_error(status))
        for status in _HTML_STATUSES
    ),
    *(
        Fault(
            f"status-{status}-challenge",
            f"{status} with Cloudflare's challenge",
            "status",
            _challenge(status),
        )
        for status in (403, 503)
    ),
    *(
        Fault(
            f"status-{status}-html",
            f"{status} of Cloudflare, with a page",
            "status",
            _html_error(status),
        )
        for status in _CLOUDFLARE_STATUSES
    ),
    *(
        Fault(
            f"status-{status}-empty",
            f"{status} with an empty body",
            "status",
            _error(status, JSON_TYPE, b""),
        )
        for status in _EMPTY_STATUSES
    ),
    Fault(
        "409-once",
        "409, but only for the first request after the fault was set",
        "status",
        _json_error(409),
        accepted=True,
        times=1,
    ),
    *(
        Fault(
            f"retry-after-{name}",
            f"429 with a Retry-After of {description}",
            "status",
            _json_error(429, ("Retry-After", value)),
        )
        for name, description, value in _RETRY_AFTER
    ),
    Fault(
        "retry-after-date",
        "429 with a Retry-After that is a date, 90 s ahead",
        "status",
        InAnswer(_retry_at_a_date),
    ),
    Fault(
        "status-503-retry-after",
        "503 with a Retry-After of 30 seconds",
        "status",
        _json_error(503, ("Retry-After", "30")),
    ),
    *(
        Fault(
            f"good-body-under-{status}",
            f"the good body under {status}",
            "status",
            _under(status),
        )
        for status in _WRONG_STATUSES
    ),
    *(
        Fault(f"redirect-{status}", f"{status} to another host", "status", Redirect(status))
        for status in _REDIRECT_STATUSES
    ),
    Fault(
        "redirect-without-location",
        "302 without a Location",
        "status",
        _error(302, JSON_TYPE, b""),
    ),
)


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
    Fault("gzip", "gzip, although identity was asked for", "connection", _coded("gzip", _gzipped)),
    Fault(
        "gzip-truncated", "half of a gzip stream", "connection", _coded("gzip", _gzipped_in_part)
    ),
    Fault(
        "gzip-bomb",
        "64 MiB of blanks behind the JSON, in 64 KiB of gzip",
        "connection",
        # One bomb for all accounts and times: it takes a while to build.
        _coded("gzip", lambda _body: _bomb(b"{}")),
    ),
    Fault(
        "gzip-claimed",
        "plain JSON under Content-Encoding: gzip",
        "connection",
        _coded("gzip", _plain),
    ),
    Fault(
        "gzip-unannounced",
        "gzip without a Content-Encoding",
        "connection",
        InAnswer(lambda good: replace(good, body=_gzipped(good.body))),
    ),
    Fault(
        "deflate", "deflate, although not asked for", "connection", _coded("deflate", zlib.compress)
    ),
    Fault(
        "brotli-claimed",
        "plain JSON under Content-Encoding: br",
        "connection",
        _coded("br", _plain),
    ),
    Fault(
        "content-coding-unknown",
        "an unknown Content-Encoding",
        "connection",
        _coded("rot13", _plain),
    ),
    Fault("html", "200 with an HTML page", "connection", _typed("text/html", _HTML)),
    Fault("html-as-json", "200 with HTML called JSON", "connection", _typed(JSON_TYPE, _HTML)),
    Fault("empty-body", "200 with an empty body", "connection", _typed(JSON_TYPE, b"")),
    Fault("json-as-html", "good JSON called text/html", "connection", _typed("text/html")),
    Fault("json-as-text", "good JSON called text/plain", "connection", _typed("text/plain")),
    Fault(
        "json-as-bytes", "good JSON called octets", "connection", _typed("application/octet-stream")
    ),
    Fault("json-untyped", "good JSON without a content type", "connection", _typed(None)),
    Fault("content-type-junk", "a content type that is none", "connection", _typed("json, please")),
)
