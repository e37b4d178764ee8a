"""Which format and encoding a scraper is to get, from its `Accept` headers.

Anything unintelligible in a header is passed over; a client that names nothing we have gets the
text format, which every scraper reads.

Source: RFC 9110, 12.5; OpenMetrics 1.0, "Content negotiation".
"""

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

# Scrapers send the same headers every time.
_REMEMBERED = 16


class Format(Enum):
    """An exposition format, by its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class _Choice(NamedTuple):
    name: str
    parameters: dict[str, str]
    quality: float


@lru_cache(_REMEMBERED)
def choose_format(accept: str) -> Format:
    """Return the format that an `Accept` header prefers; the text format in case of doubt."""
    text_quality, openmetrics_quality = 0.0, 0.0
    for choice in _choices(accept):
        version = choice.parameters.get("version", "")
        if choice.name == "application/openmetrics-text" and version in ("", "1.0.0"):
            openmetrics_quality = max(openmetrics_quality, choice.quality)
        elif choice.name in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4"):
            text_quality = max(text_quality, choice.quality)
    return Format.OPENMETRICS if openmetrics_quality > text_quality else Format.TEXT


@lru_cache(_REMEMBERED)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an `Accept-Encoding` header names gzip without refusing it."""
    return any(
        choice.name in ("gzip", "x-gzip") and choice.quality > 0
        for choice in _choices(accept_encoding)
    )


def _choices(header: str) -> Iterator[_Choice]:
    for item in header.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        values = {key.strip(): value.strip() for key, _, value in pairs}
        yield _Choice(name, values, _quality(values.get("q", "1")))


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
