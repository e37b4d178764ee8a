"""The configuration as a whole: sources merged, checked together, every secret read once.

The environment is above the file. Both are validated alone, and not as sources of one model, which
pydantic-settings would merge before it validates: then every problem is reported, not only the
first, with the variable or the place in the file, even of a value that the other source hides.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS
from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.config.environment import read_environment, unknown_variables
from exporter.config.files import CredentialSource
from exporter.config.model import STALE_AFTER_POLLS, CommonModel, SourceAccount, SourceSettings
from exporter.config.shards import ONLY_SHARD, Shard
from exporter.errors import ConfigurationError
from exporter.state import DRILL_ACCOUNT, Account

_SHORTEST_POLL_INTERVAL_SECONDS = 1.0
_LONGEST_POLL_INTERVAL_SECONDS = 600.0
_LONGEST_STALE_AFTER_SECONDS = 3600.0
_TWO_EXCHANGES = (
    "base_url: the accounts have different ones, and prices of two exchanges must not be mixed: "
    "neither mark prices nor terms of borrowing are asked for; run one exporter per exchange"
)
_NO_ACCOUNTS = (
    "none of the accounts falls to this shard, so there is nothing to poll; fewer shards would do"
)


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

    Those of the others are checked all the same, because they may be ours tomorrow. Raises
    ConfigurationError with all problems found.
    """
    source, problems = _read_sources(config_file)
    common = source.common
    ours = [each for each in source.accounts if shard.has(each.name)]
    problems += _problems_of(source, len(ours))
    if problems:
        raise ConfigurationError(problems)
    has_two_exchanges = len({each.base_url for each in ours}) > 1
    return Settings(
        accounts=tuple(
            AccountSettings(
                Account(
                    name=each.name,
                    base_url=each.base_url,
                    poll_interval_seconds=common.poll_interval,
                    stale_after_seconds=common.stale_after_seconds,
                    danger_poll_interval_seconds=common.danger_poll_interval_seconds,
                    thresholds=each.thresholds,
                    stable_currencies=common.stable_currencies,
                    safe_labels=common.safe_labels,
                    shows_id=not common.hide_account_id,
                ),
                each.credentials,
                each.origins,
            )
            for each in ours
        ),
        warnings=(
            *(text for each in ours for text in each.credentials.warnings()),
            *_warnings_of_budget(common, len(ours)),
            *([_TWO_EXCHANGES] if has_two_exchanges else []),
            *([] if ours else [_NO_ACCOUNTS]),
        ),
        requests_per_minute=common.requests_per_minute,
        shard=shard,
        origins=source.origins,
    )


def _read_sources(config_file: Path | None) -> tuple[SourceSettings, list[str]]:
    """Read both sources, so that problems of one do not hide those of the other."""
    problems = unknown_variables()
    source = SourceSettings()
    try:
        source = read_environment(with_account=config_file is None)
    except ConfigurationError as error:
        problems += error.problems
    try:
        if config_file is not None:
            source = source.above(_read_file(config_file))
    except ConfigurationError as error:
        problems += error.problems
    return source, problems


def _read_file(path: Path) -> SourceSettings:
    # YAML takes a while to import, and most have no file.
    from exporter.config.yaml_file import read_config_file  # noqa: PLC0415 - see above

    return read_config_file(path)


def _problems_of(source: SourceSettings, accounts_of_shard: int) -> list[str]:
    """Return every problem of settings that are well-formed, each named by where it was set."""
    return [
        *_problems_of_schedule(source),
        *_problems_of_budget(source, accounts_of_shard),
        *_problems_of_names(source.accounts),
        *_problems_of_thresholds(source.accounts),
        *_problems_of_credentials(source.accounts),
    ]


def _problems_of_schedule(source: SourceSettings) -> Iterator[str]:
    interval_seconds = source.common.poll_interval
    stale_after_seconds = source.common.stale_after_seconds
    stale_after = source.origins.get("stale_after", "stale_after")
    if not (_SHORTEST_POLL_INTERVAL_SECONDS <= interval_seconds <= _LONGEST_POLL_INTERVAL_SECONDS):
        yield f"{source.origins.get('poll_interval', 'poll_interval')}: from 1s to 10m is possible"
    in_danger = source.common.danger_poll_interval
    if in_danger and not (_SHORTEST_POLL_INTERVAL_SECONDS <= in_danger <= interval_seconds):
        yield (
            f"{source.origins.get('danger_poll_interval', 'danger_poll_interval')}: from 1s to "
            "poll_interval is possible, or 0s for no difference"
        )
    if stale_after_seconds < interval_seconds:
        yield (
            f"{stale_after}: shorter than poll_interval, so that values would come and go; "
            f"use {STALE_AFTER_POLLS} intervals"
        )
    elif stale_after_seconds > _LONGEST_STALE_AFTER_SECONDS:
        yield f"{stale_after}: longer than 1h; such old values would be taken for present"


def _problems_of_budget(source: SourceSettings, accounts: int) -> Iterator[str]:
    # Of the exporter's own accounts: those of other shards have a budget of their own.
    interval_seconds = source.common.poll_interval
    requests_per_minute = source.common.requests_per_minute
    if (
        interval_seconds >= _SHORTEST_POLL_INTERVAL_SECONDS
        and accounts * 60.0 / interval_seconds > requests_per_minute
    ):
        yield (
            f"{source.origins.get('poll_interval', 'poll_interval')}: {accounts} accounts every "
            f"{interval_seconds:g} s exceed {requests_per_minute} requests a minute; use "
            f"{math.ceil(accounts * 60.0 / requests_per_minute)}s or more, or several exporters "
            "on different addresses (--total-shards)"
        )


def _warnings_of_budget(common: CommonModel, accounts: int) -> Iterator[str]:
    """Return a warning if polls leave too few requests for prices to come in time, or at all."""
    of_account = [BALANCES, *(each for each in OPTIONAL_ENDPOINTS if each.is_of_account)]
    of_all = [each for each in OPTIONAL_ENDPOINTS if not each.is_of_account]
    needed = sum(
        60.0 / max(each.interval_seconds or 0.0, common.poll_interval)
        for each in [*of_account * accounts, *of_all]
    )
    if needed > common.requests_per_minute:
        yield (
            f"poll_interval: {accounts} accounts every {common.poll_interval:g} s leave too few "
            "requests for prices, terms and liquidations, which will be late or missing; use a "
            "longer one, or several exporters on different addresses (--total-shards)"
        )


def _problems_of_names(accounts: Iterable[SourceAccount]) -> Iterator[str]:
    # Places instead of names, because one of these may be an e-mail by mistake.
    wheres: dict[str, str] = {}
    for each in accounts:
        if each.name in wheres:
            yield f"{each.where}: has the name of {wheres[each.name]}; every name once"
        if each.name == DRILL_ACCOUNT:
            yield f"{each.where}: {DRILL_ACCOUNT} is the name of drills; choose another"
        wheres[each.name] = each.where


def _problems_of_thresholds(accounts: Iterable[SourceAccount]) -> Iterator[str]:
    for each in accounts:
        ratios = list(each.thresholds.by_level().values())
        if any(higher <= lower for higher, lower in pairwise(ratios)):
            yield (
                f"{each.where}: thresholds must fall from warning over critical to liquidation, "
                f"but are {', '.join(f'{ratio:g}' for ratio in ratios)}"
            )
        if each.thresholds.distance_warning < each.thresholds.distance_critical:
            yield (
                f"{each.where}: distance_warning must not be below distance_critical, but they are "
                f"{each.thresholds.distance_warning:g} and {each.thresholds.distance_critical:g}"
            )


def _problems_of_credentials(accounts: Iterable[SourceAccount]) -> Iterator[str]:
    """Read every secret once; two accounts of one key would break each other's nonces."""
    wheres_by_key: dict[str, str] = {}
    for each in accounts:
        try:
            credentials = each.credentials.read()
        except ConfigurationError as error:
            yield from error.problems
            continue
        api_key = credentials.api_key
        if each.name in (api_key, credentials.api_secret, credentials.email):
            # Not shown here either; the name is a label and in every log line.
            yield f"{each.where}: the account's name is one of its secrets; choose another"
        if api_key in wheres_by_key:
            yield (
                f"{each.where}: has the API key of {wheres_by_key[api_key]}; "
                "every account needs its own"
            )
        wheres_by_key[api_key] = each.where
