"""Every way in which this program can fail, one leaf per thing an operator would do differently.

ExporterError
├── ConfigurationError      a setting is wrong; nothing was started
├── UnableError             something outside stands in the way: a port is taken, say
└── PollError               one poll gave no snapshot; `reason` says why
    ├── PollTimeoutError    timeout        the deadline passed before the answer was whole
    ├── NetworkError        network        no connection, or it broke
    ├── TLSError            tls            the peer could not prove who it is
    ├── HTTPStatusError     http_status    an answer other than 200
    ├── AuthenticationError auth           401 or 403: the key, the secret or the key's rights
    ├── RateLimitedError    rate_limited   429: too many requests
    ├── ClockError          clock          409: the nonce does not fit the exchange's clock
    ├── RedirectError       redirect       30x; redirects are never followed
    ├── ContentTypeError    content_type   something other than JSON
    ├── FramingError        framing        the body is not the one that was announced
    ├── TooLargeError       too_large      more bytes than any real answer has
    ├── CachedError         cached         a copy from a cache, not what the account is now
    ├── JSONError           json           not one JSON value, or an ambiguous one
    ├── SchemaError         schema         JSON, but not the documented answer
    └── WrongAccountError   wrong_account  the answer is for another account than it should be
"""

from collections.abc import Sequence
from typing import ClassVar


class ExporterError(Exception):
    """Base of everything this program raises on purpose."""


class ConfigurationError(ExporterError):
    """The configuration cannot be used. `problems` holds one sentence per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class UnableError(ExporterError):
    """Something outside stands in the way of a command. The message names the flag to look at."""


class PollError(ExporterError):
    """A poll that yielded no snapshot. Messages name the cause, never a secret or a value.

    `clock_skew_seconds` is local time minus the answer's `Date`, where an answer came and had one.
    """

    reason: ClassVar[str]
    clock_skew_seconds: float | None = None


class PollTimeoutError(PollError):
    """The poll's deadline passed before the answer was whole."""

    reason = "timeout"


class NetworkError(PollError):
    """The name did not resolve, nobody listened, or the connection broke."""

    reason = "network"


class TLSError(PollError):
    """No trusted connection: certificate, host name or protocol."""

    reason = "tls"


class HTTPStatusError(PollError):
    """A status other than 200 that no other leaf describes; `status` is it, where it is known."""

    reason = "http_status"

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AuthenticationError(PollError):
    """401 or 403."""

    reason = "auth"


class RateLimitedError(PollError):
    """429. `retry_after_seconds` is what the answer asked for, if it did so intelligibly."""

    reason = "rate_limited"

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ClockError(PollError):
    """409, twice in one poll: the local clock and the exchange's disagree."""

    reason = "clock"


class RedirectError(PollError):
    """A redirect, which could lead a signed request to another host."""

    reason = "redirect"


class ContentTypeError(PollError):
    """200, but the content type is not JSON."""

    reason = "content_type"


class FramingError(PollError):
    """The bytes on the wire are not the message that was announced."""

    reason = "framing"


class TooLargeError(PollError):
    """The answer exceeds the limit on its size."""

    reason = "too_large"


class CachedError(PollError):
    """200 with a stored copy of an earlier answer, by its headers or by its `Date`."""

    reason = "cached"


class JSONError(PollError):
    """The body is not exactly one unambiguous JSON value in UTF-8."""

    reason = "json"


class SchemaError(PollError):
    """The JSON is not the documented answer; the message holds the path of the field."""

    reason = "schema"


class WrongAccountError(PollError):
    """`accountID` is another than before, or one that another configured account watches."""

    reason = "wrong_account"


POLL_ERRORS: tuple[type[PollError], ...] = tuple(PollError.__subclasses__())
REASONS: tuple[str, ...] = tuple(sorted(error.reason for error in POLL_ERRORS))
