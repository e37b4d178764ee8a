"""Whether an answer counts, by its status and type. What to do if it does not is in `advice`.

Source: API documentation, "Error codes".
"""

from datetime import UTC
from email.utils import parsedate_to_datetime

from exporter.errors import (
    AuthenticationError,
    ClockError,
    ContentTypeError,
    HTTPStatusError,
    RateLimitedError,
    RedirectError,
)
from exporter.exchange.wire import Answer

_MEANINGS = {
    400: "the request no longer fits the API; please report it",
    401: "the exchange does not accept this key with this secret",
    403: "the key may not read, or not from this address",
    404: "check the base URL",
    408: "the exchange took too long",
    422: "the request no longer fits the API; please report it",
}


def require_success(answer: Answer, skew: float | None, wall_seconds: float) -> None:
    """Raise the PollError that the answer stands for, unless it is a 200 with JSON.

    `skew` is `clock_skew_seconds` of the answer, for the message.
    """
    match answer.status:
        case 200:
            content_type = answer.headers.get("content-type", "").partition(";")[0].strip()
            if content_type.lower() != "application/json":
                raise ContentTypeError("200, but the content is not application/json")
        case 401 | 403 as status:
            raise AuthenticationError(f"{status}: {_MEANINGS[status]}")
        case 409:
            measured = "unknown" if skew is None else f"{skew:+.1f} s"
            raise ClockError(
                "409: the exchange refused the nonce (local clock against the exchange's: "
                f"{measured})"
            )
        case 429:
            raise RateLimitedError(
                "429: too many requests from this address or for this key",
                _retry_after_seconds(answer, wall_seconds),
            )
        case 301 | 302 | 303 | 307 | 308 as status:
            raise RedirectError(f"{status}: redirects are not followed; check the base URL")
        case status:
            meaning = _MEANINGS.get(status, "not an answer that this request can have")
            raise HTTPStatusError(f"{status}: {meaning}", status)


def clock_skew_seconds(answer: Answer, wall_seconds: float) -> float | None:
    """Give local time minus the answer's `Date`; None if it has none that can be read."""
    date_seconds = _unix_seconds(answer.headers.get("date", ""))
    return None if date_seconds is None else wall_seconds - date_seconds


def _retry_after_seconds(answer: Answer, wall_seconds: float) -> float | None:
    """Read `Retry-After` (RFC 9110, 10.2.3): whole seconds or a date; None for anything else."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    date_seconds = _unix_seconds(text)
    return None if date_seconds is None else max(0.0, date_seconds - wall_seconds)


def _unix_seconds(http_date: str) -> float | None:
    try:
        date = parsedate_to_datetime(http_date)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
