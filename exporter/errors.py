"""Every way in which this program can fail, one leaf per thing an operator would do differently.

ExporterError
├── ConfigurationError      a setting is wrong; nothing was started
├── UnableError             something outside stands in the way: a port is taken, say
├── NotAskedError           no request was left in the budget, so nothing was sent
└── PollError               one request gave no verified value; each leaf has reason and hint
"""

import os
import socket
import ssl
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

EXIT_FAILED = 1
EXIT_INTERNAL = 70
EXIT_CONFIGURATION = 78

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "it did what was asked for, or was stopped by a signal",
        1: "something outside stands in the way: a port is taken, an account fails its check "
        "or gave no answer, a drill was not seen or was stopped, output cannot be written",
        2: "wrong usage",
        70: "a bug; please report it",
        78: "the configuration cannot be used",
    }
)


class ExporterError(Exception):
    """Base of everything this program raises on purpose."""


class ConfigurationError(ExporterError):
    """The configuration cannot be used. `problems` holds one sentence per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class UnableError(ExporterError):
    """Something outside stands in the way of a command. The message names the flag to look at."""


class NotAskedError(ExporterError):
    """No request of the budget was free in time for an optional endpoint; nothing was sent."""


_CHECK_PROXY = "look for a proxy or gateway on the way, and check the base URL"
_REPORT = "the API has changed, or a gateway answered in its place: try again, then report it"


class PollError(ExporterError):
    """A request that gave no verified value. Messages name the cause, never a secret or a value.

    `reason` is a label value, `meaning` what happened, and `hint` what an operator does next: parts
    of sentences, without a full stop.
    `clock_skew_seconds` is local time minus the answer's `Date`, where an answer came and had one.
    """

    reason: ClassVar[str]
    meaning: ClassVar[str]
    hint: ClassVar[str]
    clock_skew_seconds: float | None = None


class PollTimeoutError(PollError):
    """The poll's deadline passed before the answer was whole."""

    reason = "timeout"
    meaning = "no complete answer within 10 s, or the interval if that is shorter"
    hint = "wait first: it usually passes; then check the network and the exchange's own status"


class NetworkError(PollError):
    """The name did not resolve, nothing listened, or the connection broke."""

    reason = "network"
    meaning = "no connection, or it broke"
    hint = "check the base URL, name resolution, routes, and that a firewall lets this machine out"


class TLSError(PollError):
    """No trusted connection: certificate, host name or protocol."""

    reason = "tls"
    meaning = "the peer could not prove who it is"
    hint = (
        "check this machine's clock and what intercepts TLS; SSL_CERT_FILE names other authorities"
    )


class HTTPStatusError(PollError):
    """A status other than 200 that no other leaf describes; `status` is it, where it is known."""

    reason = "http_status"
    meaning = "another status than 200"
    hint = (
        "wait if it is 5xx, which usually passes; 404 is the base URL, or an endpoint that is not "
        "for this key; 401 and 403 with a page are a gateway's, so leave the key, look for "
        "a proxy on the way, and ask the exchange whether it blocks this address; report any other"
    )

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AuthenticationError(PollError):
    """401 or 403."""

    reason = "auth"
    meaning = "401 or 403: the exchange does not accept the key"
    hint = (
        "check key, secret and e-mail, of which any may be wrong; the key's right to read; "
        "and its list of allowed addresses; changed files are read again within a minute"
    )


class RateLimitedError(PollError):
    """429. `retry_after_seconds` is what the answer asked for, if it did so intelligibly."""

    reason = "rate_limited"
    meaning = "429: too many requests"
    hint = (
        "run fewer programs on this address and key, or poll at a longer interval; it waits "
        "as asked, 5 minutes at most"
    )

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ClockError(PollError):
    """409, twice in one poll: the local clock and the exchange's disagree."""

    reason = "clock"
    meaning = "409, twice: the exchange does not accept the time of the request"
    hint = "set this machine's clock by NTP, and run one exporter per key"


class RedirectError(PollError):
    """A redirect, which could lead a signed request to another host."""

    reason = "redirect"
    meaning = "30x, which is never followed"
    hint = "check the base URL"


class ContentTypeError(PollError):
    """200, but the content type is not JSON."""

    reason = "content_type"
    meaning = "200, but not JSON"
    hint = _CHECK_PROXY


class FramingError(PollError):
    """The bytes on the wire are not the message that was announced."""

    reason = "framing"
    meaning = "not the HTTP message that was announced"
    hint = _CHECK_PROXY


class TooLargeError(PollError):
    """The answer exceeds the limit on its size."""

    reason = "too_large"
    meaning = "more bytes than any real answer has"
    hint = _CHECK_PROXY


class CachedError(PollError):
    """200 with a stored copy of an earlier answer, by its headers or by its `Date`."""

    reason = "cached"
    meaning = "200, but a copy of an earlier answer: a cache stands in between"
    hint = (
        "look for a cache, proxy or gateway on the way, and exempt the API from caching; if "
        "there is none, compare this machine's clock"
    )


class JSONError(PollError):
    """The body is not exactly one unambiguous JSON value in UTF-8."""

    reason = "json"
    meaning = "the body is not one JSON value"
    hint = _REPORT


class SchemaError(PollError):
    """The JSON is not the documented answer; the message holds the path of the field."""

    reason = "schema"
    meaning = "JSON, but not the documented answer"
    hint = _REPORT


class WrongAccountError(PollError):
    """`accountID` is another than before, or one that another configured account watches."""

    reason = "wrong_account"
    meaning = (
        "the key answers for another account than before, or for one that another account of "
        "the configuration watches; its values go at once"
    )
    hint = (
        "check in which account of the exchange each key was made; each needs one of its own; "
        "correct the configuration, and restart if a key was moved on purpose"
    )


POLL_ERRORS: Mapping[str, type[PollError]] = MappingProxyType(
    {error.reason: error for error in sorted(PollError.__subclasses__(), key=lambda e: e.reason)}
)
"""The leaves by their reason."""

REASONS: tuple[str, ...] = tuple(POLL_ERRORS)


def error_text(error: OSError) -> str:
    """Return what the operating system says, without the address that asyncio repeats."""
    has_number = error.errno and not isinstance(error, socket.gaierror | ssl.SSLError)
    return os.strerror(error.errno or 0) if has_number else error.strerror or str(error)
