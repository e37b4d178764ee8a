"""The configuration as a whole: sources merged, checked together, every secret read once.

The environment is above the file. Every problem is reported, not only the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.config.checks import (
    STALE_AFTER_POLLS,
    problems_of_budget,
    problems_of_credentials,
    problems_of_names,
    problems_of_schedule,
    problems_of_thresholds,
    warnings_of_budget,
)
from exporter.config.environment import read_environment, unknown_variables
from exporter.config.files import CredentialSource
from exporter.config.shards import ONLY_SHARD, Shard
from exporter.config.values import SourceSettings
from exporter.errors import ConfigurationError
from exporter.state import Account

DEFAULT_POLL_INTERVAL_SECONDS = 15.0

_TWO_EXCHANGES = (
    "base_url: the accounts have different ones, and prices of two exchanges must not be mixed: "
    "neither mark prices nor terms of borrowing are asked for; run one exporter per exchange"
)

_NOTHING = SourceSettings(
    accounts=(),
    poll_interval_seconds=None,
    stale_after_seconds=None,
    hides_account_id=None,
    requests_per_minute=None,
    origins={},
)
_NO_ACCOUNTS = (
    "none of the accounts falls to this shard, so there is nothing to poll; fewer shards would do"
)

_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account and where its secrets are.

    `origins` has where each setting was set that is not a default.
    """

    account: Account
    credentials: CredentialSource
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that can be run. `warnings` are for the log at start.

    `origins` is of what holds for all accounts.
    """

    accounts: tuple[AccountSettings, ...]
    warnings: tuple[str, ...]
    origins: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int = REQUESTS_PER_MINUTE
    shard: Shard = ONLY_SHARD

    @property
    def has_one_exchange(self) -> bool:
        """Whether all accounts are at the same exchange, so that prices are those of all."""
        return len({each.account.base_url for each in self.accounts}) <= 1


def load_settings(config_file: Path | None, shard: Shard = ONLY_SHARD) -> Settings:
    """Read environment and file, and take the accounts of a shard.

    Those of the others are checked all the same, for they may be ours tomorrow. Raises
    ConfigurationError with all problems found.
    """
    given, problems = _read_sources(config_file)
    interval_seconds = _or(given.poll_interval_seconds, DEFAULT_POLL_INTERVAL_SECONDS)
    stale_after_seconds = _or(given.stale_after_seconds, STALE_AFTER_POLLS * interval_seconds)
    requests_per_minute = _or(given.requests_per_minute, REQUESTS_PER_MINUTE)
    ours = [each for each in given.accounts if shard.has(each.name)]
    problems += [
        *problems_of_schedule(given, interval_seconds, stale_after_seconds),
        *problems_of_budget(given, interval_seconds, len(ours), requests_per_minute),
        *problems_of_names(given.accounts),
        *problems_of_thresholds(given.accounts),
        *problems_of_credentials(given.accounts),
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
                each.origins,
            )
            for each in ours
        ),
        warnings=tuple(text for each in ours for text in each.credentials.warnings()),
        requests_per_minute=requests_per_minute,
        shard=shard,
        origins=given.origins,
    )
    further = [
        *warnings_of_budget(interval_seconds, len(ours), requests_per_minute),
        *([] if settings.has_one_exchange else [_TWO_EXCHANGES]),
        *([] if settings.accounts else [_NO_ACCOUNTS]),
    ]
    return replace(settings, warnings=(*settings.warnings, *further))


def _read_sources(config_file: Path | None) -> tuple[SourceSettings, list[str]]:
    """Read both sources, so that problems of one do not hide those of the other."""
    problems = unknown_variables()
    given = _NOTHING
    try:
        given = read_environment(with_account=config_file is None)
    except ConfigurationError as error:
        problems += error.problems
    try:
        if config_file is not None:
            given = _merged(given, _read_file(config_file))
    except ConfigurationError as error:
        problems += error.problems
    return given, problems


def _read_file(path: Path) -> SourceSettings:
    # YAML takes a while to import, and most have no file.
    from exporter.config.yaml_file import read_config_file  # noqa: PLC0415 - see above

    return read_config_file(path)


def _merged(above: SourceSettings, below: SourceSettings) -> SourceSettings:
    return SourceSettings(
        accounts=(*above.accounts, *below.accounts),
        poll_interval_seconds=_or(above.poll_interval_seconds, below.poll_interval_seconds),
        stale_after_seconds=_or(above.stale_after_seconds, below.stale_after_seconds),
        hides_account_id=_or(above.hides_account_id, below.hides_account_id),
        origins={**below.origins, **above.origins},
        requests_per_minute=_or(above.requests_per_minute, below.requests_per_minute),
    )


def _or(first: _T | None, second: _U) -> _T | _U:
    """Return `first` unless it is None; zero and False are values."""
    return second if first is None else first
