"""What one source of configuration gives, before sources are merged and checked together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError

from exporter.configuration.credentials import CredentialSource
from exporter.state.account import Thresholds

DEFAULT_BASE_URL: Final = "https://api.bitopro.com/v3"


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """One account, with the place where its secrets are. `where` names it in messages.

    `origins` tells, for each setting that was given, under which name or where in which file.
    """

    where: str
    name: str
    base_url: str
    thresholds: Thresholds
    credentials: CredentialSource
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Given:
    """Accounts, and what was said about all of them; None where nothing was said.

    `origins` is as for an account.
    """

    accounts: tuple[GivenAccount, ...]
    poll_interval_seconds: float | None
    stale_after_seconds: float | None
    hides_account_id: bool | None
    origins: Mapping[str, str]
    requests_per_minute: int | None


def suggestion(name: str, known: Iterable[str]) -> str:
    """Give ' (did you mean ...?)' for a name that resembles a known one, else nothing."""
    nearest = get_close_matches(name, list(known), n=1)
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def problem_texts(error: ValidationError) -> Sequence[tuple[tuple[int | str, ...], str, str]]:
    """Give location, kind and text of each problem pydantic found, without what was given."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        (each["loc"], each["type"], each["msg"].removeprefix("Value error, ")) for each in details
    ]
