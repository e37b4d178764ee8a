"""The configuration as a whole: sources merged, checked together, every secret read once.

The environment is above the file. Every problem is reported, not only the first.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from exporter.account import DRILL_ACCOUNT, Account, Thresholds
from exporter.budget import REQUESTS_PER_MINUTE
from exporter.credentials import CredentialSource
from exporter.environment import read_environment
from exporter.errors import ConfigurationError
from exporter.given import Given, GivenAccount

DEFAULT_POLL_INTERVAL_SECONDS = 15.0
STALE_AFTER_POLLS = 3

_TWO_EXCHANGES = (
    "base_url: the accounts have different ones, and prices of two exchanges must not be mixed: "
    "neither mark prices nor terms of borrowing are asked for; run one exporter per exchange"
)

_T = TypeVar("_T")
_U = TypeVar("_U")

_SHORTEST_POLL_INTERVAL_SECONDS = 1.0
_LONGEST_POLL_INTERVAL_SECONDS = 600.0
_LONGEST_STALE_AFTER_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account and where its secrets are."""

    account: Account
    credentials: CredentialSource


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that can be run. `warnings` are for the log at start."""

    accounts: tuple[AccountSettings, ...]
    warnings: tuple[str, ...]

    @property
    def has_one_exchange(self) -> bool:
        """Whether all accounts are at the same exchange, so that prices are those of all."""
        return len({each.account.base_url for each in self.accounts}) <= 1


def load_settings(config_file: Path | None) -> Settings:
    """Read environment and file. Raises ConfigurationError with all problems found."""
    environment, file = _read_sources(config_file)
    given = environment if file is None else _merged(environment, file)
    interval_seconds = _or(given.poll_interval_seconds, DEFAULT_POLL_INTERVAL_SECONDS)
    stale_after_seconds = _or(given.stale_after_seconds, STALE_AFTER_POLLS * interval_seconds)
    problems = [
        *_problems_of_schedule(interval_seconds, stale_after_seconds, len(given.accounts)),
        *_problems_of_names(given.accounts),
        *_problems_of_thresholds(given.accounts),
        *_problems_of_credentials(given.accounts),
    ]
    if problems:
        raise ConfigurationError(problems)
    settings = Settings(
        accounts=tuple(
            AccountSettings(
                Account(
                    name=each.name,
                    base_url=each.base_url,
                    poll_interval_seconds=interval_seconds,
                    stale_after_seconds=stale_after_seconds,
                    thresholds=each.thresholds,
                    shows_id=not given.hides_account_id,
                ),
                each.credentials,
            )
            for each in given.accounts
        ),
        warnings=tuple(text for each in given.accounts for text in each.credentials.warnings()),
    )
    if settings.has_one_exchange:
        return settings
    return replace(settings, warnings=(*settings.warnings, _TWO_EXCHANGES))


def _read_sources(config_file: Path | None) -> tuple[Given, Given | None]:
    """Read both sources, so that problems of one do not hide those of the other."""
    problems: list[str] = []
    environment: Given | None = None
    file: Given | None = None
    try:
        environment = read_environment(with_account=config_file is None)
    except ConfigurationError as error:
        problems += error.problems
    try:
        file = None if config_file is None else _read_file(config_file)
    except ConfigurationError as error:
        problems += error.problems
    if problems or environment is None:
        raise ConfigurationError(problems)
    return environment, file


def _read_file(path: Path) -> Given:
    # YAML takes a while to import, and most have no file.
    from exporter.config_file import read_config_file  # noqa: PLC0415 - see above

    return read_config_file(path)


def _merged(above: Given, below: Given) -> Given:
    return Given(
        accounts=(*above.accounts, *below.accounts),
        poll_interval_seconds=_or(above.poll_interval_seconds, below.poll_interval_seconds),
        stale_after_seconds=_or(above.stale_after_seconds, below.stale_after_seconds),
        hides_account_id=_or(above.hides_account_id, below.hides_account_id),
    )


def _or(first: _T | None, second: _U) -> _T | _U:
    """Give `first` unless it is None; zero and False are values."""
    return second if first is None else first


def _problems_of_schedule(
    interval_seconds: float, stale_after_seconds: float, accounts: int
) -> Sequence[str]:
    problems: list[str] = []
    if not (_SHORTEST_POLL_INTERVAL_SECONDS <= interval_seconds <= _LONGEST_POLL_INTERVAL_SECONDS):
        problems.append("poll_interval: from 1s to 10m is possible")
    elif accounts * 60.0 / interval_seconds > REQUESTS_PER_MINUTE:
        needed_seconds = math.ceil(accounts * 60.0 / REQUESTS_PER_MINUTE)
        problems.append(
            f"poll_interval: {accounts} accounts every {interval_seconds:g} s exceed "
            f"{REQUESTS_PER_MINUTE} requests a minute; use {needed_seconds}s or more, or several "
            "exporters on different addresses"
        )
    if stale_after_seconds < interval_seconds:
        problems.append(
            "stale_after: shorter than poll_interval, so that values would come and go; "
            f"use {STALE_AFTER_POLLS} intervals"
        )
    elif stale_after_seconds > _LONGEST_STALE_AFTER_SECONDS:
        problems.append("stale_after: longer than 1h; such old values would be taken for present")
    return problems


def _problems_of_names(accounts: Iterable[GivenAccount]) -> Sequence[str]:
    # Places instead of names, for one of these may be an e-mail by mistake.
    problems: list[str] = []
    wheres: dict[str, str] = {}
    for each in accounts:
        if each.name in wheres:
            problems.append(f"{each.where}: has the name of {wheres[each.name]}; every name once")
        if each.name == DRILL_ACCOUNT:
            problems.append(f"{each.where}: {DRILL_ACCOUNT} is the name of drills; choose another")
        wheres[each.name] = each.where
    return problems


def _problems_of_thresholds(accounts: Iterable[GivenAccount]) -> Sequence[str]:
    return [
        f"{each.where}: thresholds must fall from warning over critical to liquidation"
        for each in accounts
        if not _is_falling(each.thresholds)
    ]


def _is_falling(thresholds: Thresholds) -> bool:
    return thresholds.warning > thresholds.critical > thresholds.liquidation


def _problems_of_credentials(accounts: Iterable[GivenAccount]) -> Sequence[str]:
    """Read every secret once; two accounts of one key would break each other's nonces."""
    problems: list[str] = []
    wheres_by_key: dict[str, str] = {}
    for each in accounts:
        try:
            credentials = each.credentials.read()
        except ConfigurationError as error:
            problems += error.problems
            continue
        api_key = credentials.api_key
        if each.name in (api_key, credentials.api_secret, credentials.email):
            # Not shown here either; the name is a label and in every log line.
            problems.append(
                f"{each.where}: the account's name is one of its secrets; choose another"
            )
        if api_key in wheres_by_key:
            problems.append(
                f"{each.where}: has the API key of {wheres_by_key[api_key]}; "
                "every account needs its own"
            )
        wheres_by_key[api_key] = each.where
    return problems
