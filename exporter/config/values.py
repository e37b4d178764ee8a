"""Types of single settings: how each is read, from either source, and how it is written."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, ValidationError
from pydantic_settings import NoDecode

from exporter.addresses import is_loopback
from exporter.bitopro.parsing import CURRENCY
from exporter.bitopro.rate_limit import MAX_REQUESTS_PER_MINUTE

_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,6})ms)?", re.ASCII)
_DURATION_UNITS_SECONDS = (3600.0, 60.0, 1.0, 0.001)
_RATIO = re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_LARGEST_RATIO = 1000.0
_LABEL = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_COUNT = re.compile(r"[1-9]\d{0,3}", re.ASCII)


def stripped(value: object) -> object:
    """Return text without the white space around it, such as the line end of a block scalar.

    Variables from a file with the line ends of Windows have a carriage return at their end.
    """
    return value.strip(" \t\r\n") if isinstance(value, str) else value


def duration_seconds(value: object) -> float:
    """Read a duration such as 1m30s. Raises ValueError with what to write instead."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("a duration with its unit was expected, such as 15s, 1m30s or 500ms")
    parts = zip(match.groups(default="0"), _DURATION_UNITS_SECONDS, strict=True)
    return sum(int(count) * unit for count, unit in parts)


def _ratio(value: object) -> float:
    text = str(value) if isinstance(value, int | float | str) else ""
    if not _RATIO.fullmatch(text) or not 1.0 <= float(text) <= _LARGEST_RATIO:
        raise ValueError(f"a ratio between 1 and {_LARGEST_RATIO:g} was expected, such as 1.3")
    return float(text)


def _distance(value: object) -> float:
    text = str(value) if isinstance(value, int | float | str) else ""
    if not _RATIO.fullmatch(text) or not 0.0 < float(text) < 1.0:
        raise ValueError("a share of a price between 0 and 1 was expected, such as 0.1 for 10 %")
    return float(text)


def _listed(value: object, what: str) -> list[str]:
    """Return the items of a list, or of text with commas between them."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise ValueError(f"{what} were expected")
    return [each.strip() for each in names]


def _currencies(value: object) -> frozenset[str]:
    codes = _listed(value, "currency codes, such as USDT,USDC,")
    if not all(CURRENCY.fullmatch(each) for each in codes):
        raise ValueError("a currency code is letters and digits, such as USDT")
    return frozenset(each.upper() for each in codes)


def _labels(value: object) -> frozenset[str]:
    labels = _listed(value, "labels of the exchange, such as SAFETY_THRESHOLD,")
    if not all(_LABEL.fullmatch(each) for each in labels):
        raise ValueError("a label is letters, digits and _, such as SAFETY_THRESHOLD")
    return frozenset(labels)


def _requests_per_minute(value: object) -> int:
    text = str(value) if type(value) in (int, str) else ""
    if not _COUNT.fullmatch(text) or int(text) > MAX_REQUESTS_PER_MINUTE:
        raise ValueError(
            f"a whole number from 1 to {MAX_REQUESTS_PER_MINUTE} was expected, which is what the "
            "exchange allows an address"
        )
    return int(text)


def _account_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("a name is 1 to 64 letters, digits or any of _ . @ -")
    return value


def _base_url(value: str) -> str:
    # httpx takes a while to import, and commands that ask nothing of an exchange need no URL.
    from exporter.bitopro.transport import require_usable_url  # noqa: PLC0415 - see above

    try:
        url = urlsplit(value)
        _ = url.port
        (url.hostname or "").encode("idna")
    except ValueError:
        raise ValueError("not a URL; an example is https://api.bitopro.com/v3") from None
    _require_plain_url(url)
    # An empty one too, of which the path of an endpoint would become a part.
    if "?" in value or "#" in value:
        raise ValueError("a URL with a query or fragment is refused")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("http is for the simulator on this machine only; use https")
    try:
        require_usable_url(value)
    except ValueError:
        raise ValueError("not a URL; an example is https://api.bitopro.com/v3") from None
    return value.rstrip("/")


def _require_plain_url(url: SplitResult) -> None:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("not an https URL; an example is https://api.bitopro.com/v3")
    if url.username is not None or url.password is not None:
        raise ValueError("a URL with a user or password is refused; the key belongs elsewhere")
    if not url.geturl().isascii() or not url.geturl().isprintable() or " " in url.geturl():
        raise ValueError("the URL holds characters other than printable ASCII")


DurationSeconds = Annotated[
    float,
    BeforeValidator(duration_seconds),
    BeforeValidator(stripped),
    PlainSerializer(lambda seconds: f"{seconds:g}s"),
]
"""Seconds, written as hours, minutes, seconds and milliseconds with their units."""

RequestsPerMinute = Annotated[int, BeforeValidator(_requests_per_minute), BeforeValidator(stripped)]
"""How many requests all accounts of a process may send in a minute."""

Ratio = Annotated[float, BeforeValidator(_ratio), BeforeValidator(stripped)]
"""An account-to-debt ratio."""

Distance = Annotated[float, BeforeValidator(_distance), BeforeValidator(stripped)]
"""A move of prices without its sign, as a share: 0.1 is 10 %."""

Currencies = Annotated[
    frozenset[str],
    # pydantic-settings would read a variable of this type as JSON.
    NoDecode,
    BeforeValidator(_currencies),
    BeforeValidator(stripped),
    PlainSerializer(lambda codes: ",".join(sorted(codes))),
]
"""Upper-case codes; in the file a list, or text with commas between them."""

SafeLabels = Annotated[
    frozenset[str],
    # As above.
    NoDecode,
    BeforeValidator(_labels),
    BeforeValidator(stripped),
    PlainSerializer(lambda labels: ",".join(sorted(labels))),
]
"""Labels of the exchange, as it writes them; in the file a list, or text with commas."""

AccountName = Annotated[str, AfterValidator(_account_name), BeforeValidator(stripped)]
"""The operator's name for an account, a label value."""

BaseUrl = Annotated[str, AfterValidator(_base_url), BeforeValidator(stripped)]
"""Where the API is, without a trailing slash: https, or http on this machine."""

Choice = Annotated[
    bool, BeforeValidator(stripped), PlainSerializer(lambda choice: str(choice).lower())
]
"""Whether something is wanted."""

FileName = Annotated[str, BeforeValidator(stripped)]
"""The path of a file, which may start at the folder of the file that names it."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ' (did you mean ...?)' for a name that resembles a known one, else nothing."""
    nearest = get_close_matches(name, list(known), n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def problem_texts(error: ValidationError) -> Sequence[tuple[tuple[int | str, ...], str, str]]:
    """Return location, kind and text of each problem pydantic found, without what was given."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        (each["loc"], each["type"], each["msg"].removeprefix("Value error, ")) for each in details
    ]
