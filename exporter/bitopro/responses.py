"""Whether an answer counts: by its status and type, and whether it is fresh or a copy.

What to do if it does not is in `errors.HINTS`. Sources: API documentation, "Error codes";
RFC 9110, 9111 and 9211 for the marks that caches leave.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from exporter.bitopro.transport import Answer
from exporter.errors import (
    AuthenticationError,
    CachedError,
    ClockError,
    ContentTypeError,
    HTTPStatusError,
    RateLimitedError,
    RedirectError,
)

# An answer whose `Date` is so much behind the exchange's clock, as far as we know it, is a copy.
# Whole seconds are rounding, and the clocks of several backends differ a little.
DATE_TOLERANCE_SECONDS = 5.0
# The first answer has only our wall clock to compare with, which may be somewhat off.
FIRST_DATE_TOLERANCE_SECONDS = 30.0
# A clock of the exchange that was set back is believed after so many answers of it, if they agree
# with our wall clock.
_STEADY_ANSWERS = 3
# Seconds per second, between two clocks of which one has no NTP.
_MAX_DRIFT = 0.00025

# `X-Cache`, `CF-Cache-Status`, `X-Proxy-Cache`, `X-Cache-Remote`, `X-From-Cache`, `X-Cached` and
# their like. Names that end otherwise (`X-Cache-Key`, `Cache-Control`) may hold any word.
_CACHE_HEADER = re.compile(r"(?:.+-)?cached?(?:-(?:status|result|remote|state|hits?|lookup))?")
_HITS_HEADER = re.compile(r"(?:.+-)?(?:cache|varnish)-hits?")
# What denies a hit, or defers one: `NOT_HIT`, `no hit`, `hit-for-pass`.
_NO_HIT = re.compile(r"\b(?:no|not|never)[\s_-]*(?:hit|cached)|hit[\s_-]*for[\s_-]*\w+")
_FROM_A_CACHE = re.compile(r"\bfrom\s+\w*cache(?![\w.:-])")
_FROM_A_HOST = re.compile(r"\bfrom\s+\S+")
_COPY_WORDS = frozenset(
    {"hit", "stale", "updating", "revalidate", "revalidated", "prerender", "cached", "old", "fresh"}
)
_YES = frozenset({"1", "true", "yes"})
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
# 110 stale, 111 revalidation failed, 112 disconnected, 113 heuristic expiration.
_COPY_WARNING = re.compile(r"(?:^|,)\s*11[0-3]\b")
_COPY_PARAMETERS = frozenset({"hit", "hit=?1", "collapsed", "collapsed=?1", "fwd-status=304"})

# What refuses these is the exchange only if it says so in JSON, as it does.
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_FROM_A_GATEWAY = "refused by a gateway in front of the exchange, which did not look at the key"

_MEANINGS = {
    400: "the request no longer fits the API; please report it",
    401: "the exchange does not accept this key, secret and e-mail together",
    403: "the key may not read, or not from this address",
    404: "check the base URL",
    408: "the exchange took too long",
    422: "the request no longer fits the API; please report it",
    500: "a defect of the exchange",
    502: "a gateway got no proper answer from the exchange",
    503: "the exchange is unavailable or under maintenance",
    504: "a gateway waited in vain for the exchange",
    520: "Cloudflare got an answer from the exchange that it does not understand",
    521: "the exchange refuses connections from Cloudflare",
    522: "Cloudflare cannot connect to the exchange",
    523: "Cloudflare finds no way to the exchange",
    524: "Cloudflare waited in vain for the exchange",
    525: "Cloudflare and the exchange could not agree on TLS",
    526: "the exchange's certificate does not satisfy Cloudflare",
    530: "Cloudflare cannot find the exchange",
}


def require_success(answer: Answer, skew: float | None, wall_seconds: float) -> None:
    """Raise the PollError that the answer stands for, unless it is a 200 with JSON.

    `skew` is `clock_skew_seconds` of the answer, for the message.
    """
    match answer.status:
        case 200:
            if _media_type(answer) != "application/json":
                raise ContentTypeError("200, but the content is not application/json")
            mark = _mark_of_a_cache(answer.headers)
            if mark is not None:
                raise CachedError(f"200, but a copy from a cache: {mark}")
        case 401 | 403 as status if _is_from_a_gateway(answer):
            raise HTTPStatusError(f"{status}: {_FROM_A_GATEWAY}", status)
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
            if _is_challenge(answer):
                meaning = _FROM_A_GATEWAY
            raise HTTPStatusError(f"{status}: {meaning}", status)


def _is_from_a_gateway(answer: Answer) -> bool:
    """Return whether a refusal is a page for people, or a challenge: the exchange sends JSON."""
    return _is_challenge(answer) or _media_type(answer) in _HTML_TYPES


def _is_challenge(answer: Answer) -> bool:
    """Return whether Cloudflare wants a browser to prove that it is one."""
    return "cf-mitigated" in answer.headers


def _media_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _mark_of_a_cache(headers: Mapping[str, str]) -> str | None:
    """Return the name of the header that says that the answer is a copy; None if none does.

    A cache that was asked and had no copy leaves marks as well: `MISS`, `DYNAMIC`, `BYPASS`,
    `EXPIRED` (fetched again), `Age: 0`. No header at all proves nothing.
    """
    for name, value in headers.items():
        if _is_mark(name, value.lower()):
            return name
    return None


def _is_mark(name: str, value: str) -> bool:
    members = value.split(",")
    match name:
        case "age":
            is_mark = _holds_a_positive_number(value)
        case "warning":
            is_mark = _COPY_WARNING.search(_QUOTED.sub("", value)) is not None
        case "x-varnish":
            # The second number is that of the request whose answer is repeated.
            is_mark = any(len(each.split()) > 1 for each in members)
        case "cache-status":
            members = _QUOTED.sub('""', value).split(",")
            is_mark = any(_is_copy_by_rfc_9211(each) for each in members)
        case "server-timing":
            timed = [each.partition("desc")[2] for each in members if "cache" in each]
            is_mark = any(_is_copy_by_word(each) for each in timed)
        case "x-cache-lookup":
            # Squid only says that a copy was there; others that the answer is from a cache.
            is_mark = _FROM_A_CACHE.search(value) is not None
        case _ if _HITS_HEADER.fullmatch(name) and _holds_a_positive_number(value):
            is_mark = True
        case _ if _CACHE_HEADER.fullmatch(name):
            is_mark = any(_is_copy_by_word(each) or each.strip() in _YES for each in members)
        case _:
            is_mark = False
    return is_mark


def _holds_a_positive_number(value: str) -> bool:
    return any(digits.strip("0") for digits in re.findall(r"(?<![-.\w])[0-9]+", value))


def _is_copy_by_word(member: str) -> bool:
    # "hit from cloudfront", "tcp_mem_hit from cache.example", "cp3066 hit/1", "refreshhit"
    member = _NO_HIT.sub("", member)
    words = re.findall(r"[a-z]+", _FROM_A_HOST.sub("", member))
    if any(word.endswith("hit") or word in _COPY_WORDS for word in words):
        return True
    return "miss" not in words and _FROM_A_CACHE.search(member) is not None


def _is_copy_by_rfc_9211(member: str) -> bool:
    cache, *parameters = ("".join(each.split()) for each in member.split(";"))
    # Some caches write a bare HIT or STALE where the cache's name belongs.
    is_bare = not parameters and _is_copy_by_word(cache)
    is_stale = "fwd=stale" in parameters and any(
        each.startswith("fwd-status=5") for each in parameters
    )
    return is_bare or is_stale or not _COPY_PARAMETERS.isdisjoint(parameters)


@dataclass(frozen=True, slots=True)
class _ServerClock:
    """What is known of the exchange's clock: `Date` less our elapsed time, the highest seen.

    It is a lower bound, because an answer is dated before it arrives.
    """

    offset_seconds: float
    first_monotonic_seconds: float
    last_monotonic_seconds: float
    answers: int = 1

    def fits(self, reading: "_Reading") -> bool:
        """Return whether an answer of this clock can have such a `Date`."""
        return reading.fits(self._offset_seconds_at(reading.monotonic_seconds))

    def after(self, reading: "_Reading") -> "_ServerClock":
        """Return what is known after one more answer."""
        now = reading.monotonic_seconds
        offset_seconds = max(self._offset_seconds_at(now), reading.low_seconds)
        return _ServerClock(offset_seconds, self.first_monotonic_seconds, now, self.answers + 1)

    def _offset_seconds_at(self, monotonic_seconds: float) -> float:
        elapsed_seconds = monotonic_seconds - self.last_monotonic_seconds
        return self.offset_seconds - _MAX_DRIFT * elapsed_seconds


@dataclass(frozen=True, slots=True)
class _Reading:
    """One `Date` less our elapsed time: when its answer was here (low), and was asked for (high).

    The answer was made in between, however long it took to come.
    """

    low_seconds: float
    high_seconds: float
    monotonic_seconds: float

    def fits(self, offset_seconds: float) -> bool:
        """Return whether a clock of this offset, or of about it, can have given the `Date`."""
        tolerance = DATE_TOLERANCE_SECONDS
        return self.low_seconds - tolerance <= offset_seconds <= self.high_seconds + tolerance

    def begin(self) -> _ServerClock:
        """Return a clock of which this is the first answer."""
        return _ServerClock(self.low_seconds, self.monotonic_seconds, self.monotonic_seconds)


class DateHistory:
    """Whether `Date` advances from one answer to the next as our clock for elapsed time does.

    A copy repeats its `Date`, so it falls behind, whatever our wall clock says. Only the first
    answer is compared with the wall clock. One history serves all accounts of an exchange, and
    outlasts a reload.

    An answer without a `Date` that can be read passes as long as none had one; after that it is
    refused, and so is an answer with several. A `Date` that is ahead is never a copy's, and passes;
    until a second one confirms it, the clock that was known before stays known too. A `Date` that
    is behind is refused. It is believed once it has advanced for three answers without a break and
    agrees with our wall clock: then a clock was set back. The exchange accepts a request by its
    time, so our wall clock is about right where it answers 200.
    """

    def __init__(self) -> None:
        self._known: tuple[_ServerClock, ...] = ()
        self._doubted: _ServerClock | None = None

    def require_fresh(
        self,
        answer: Answer,
        *,
        asked_monotonic_seconds: float,
        monotonic_seconds: float,
        wall_seconds: float,
    ) -> None:
        """Raise CachedError if the answer is a copy; the times are those of now and the request."""
        date_seconds = _date_seconds(answer)
        if date_seconds is None:
            if self._known or self._doubted or _is_dated_twice(answer):
                raise CachedError("it has not one Date that can be read, as earlier answers had")
            return
        reading = _Reading(
            date_seconds - monotonic_seconds,
            date_seconds - asked_monotonic_seconds,
            monotonic_seconds,
        )
        wall_offset_seconds = wall_seconds - monotonic_seconds
        for known in reversed(self._known):
            if known.fits(reading):
                # The other one, if there was one, is refuted.
                self._known, self._doubted = (known.after(reading),), None
                return
        if not self._known and self._doubted is None:
            is_fresh = wall_offset_seconds - reading.high_seconds <= FIRST_DATE_TOLERANCE_SECONDS
        else:
            is_fresh = bool(self._known) and all(
                reading.low_seconds > known.offset_seconds for known in self._known
            )
        if is_fresh:
            self._known, self._doubted = (*self._known[:1], reading.begin()), None
            return
        self._doubt(reading, wall_offset_seconds)

    def _doubt(self, reading: _Reading, wall_offset_seconds: float) -> None:
        doubted = self._doubted
        if doubted is not None and doubted.fits(reading):
            doubted = doubted.after(reading)
            lasted_seconds = reading.monotonic_seconds - doubted.first_monotonic_seconds
            if (
                doubted.answers >= _STEADY_ANSWERS
                and lasted_seconds > 2 * DATE_TOLERANCE_SECONDS
                and reading.fits(wall_offset_seconds)
            ):
                self._known, self._doubted = (doubted,), None
                return
        else:
            doubted = reading.begin()
        self._doubted = doubted
        if self._known:
            raise CachedError("its Date has not advanced with the time: a copy from a cache")
        lag_seconds = wall_offset_seconds - reading.low_seconds
        raise CachedError(
            f"its Date is {lag_seconds:.0f} s behind this machine's clock: "
            "a copy (cache) sooner than a wrong clock"
        )


def clock_skew_seconds(answer: Answer, wall_seconds: float) -> float | None:
    """Return local time minus the answer's `Date`; None if it has none that can be read."""
    date_seconds = _date_seconds(answer)
    return None if date_seconds is None else wall_seconds - date_seconds


def _is_dated_twice(answer: Answer) -> bool:
    # Several lines are joined by a comma, of which one date has one.
    return answer.headers.get("date", "").count(",") > 1


def _date_seconds(answer: Answer) -> float | None:
    return None if _is_dated_twice(answer) else _unix_seconds(answer.headers.get("date", ""))


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
