"""What a configuration must not be, however well each setting reads alone: a sentence each."""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise

from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS
from exporter.config.model import (
    STALE_AFTER_POLLS,
    CommonModel,
    SourceAccount,
    SourceSettings,
)
from exporter.errors import ConfigurationError
from exporter.state import DRILL_ACCOUNT

_SHORTEST_POLL_INTERVAL_SECONDS = 1.0
_LONGEST_POLL_INTERVAL_SECONDS = 600.0
_LONGEST_STALE_AFTER_SECONDS = 3600.0


def problems_of(given: SourceSettings, accounts_of_shard: int) -> list[str]:
    """Return every problem of settings that are well-formed, each named by where it was given.

    Reads every secret once.
    """
    return [
        *_problems_of_schedule(given),
        *_problems_of_budget(given, accounts_of_shard),
        *_problems_of_names(given.accounts),
        *_problems_of_thresholds(given.accounts),
        *_problems_of_credentials(given.accounts),
    ]


def _problems_of_schedule(given: SourceSettings) -> Iterator[str]:
    interval_seconds = given.common.poll_interval
    stale_after_seconds = given.common.stale_after_seconds
    stale_after = given.origins.get("stale_after", "stale_after")
    if not (_SHORTEST_POLL_INTERVAL_SECONDS <= interval_seconds <= _LONGEST_POLL_INTERVAL_SECONDS):
        yield f"{given.origins.get('poll_interval', 'poll_interval')}: from 1s to 10m is possible"
    if stale_after_seconds < interval_seconds:
        yield (
            f"{stale_after}: shorter than poll_interval, so that values would come and go; "
            f"use {STALE_AFTER_POLLS} intervals"
        )
    elif stale_after_seconds > _LONGEST_STALE_AFTER_SECONDS:
        yield f"{stale_after}: longer than 1h; such old values would be taken for present"


def _problems_of_budget(given: SourceSettings, accounts: int) -> Iterator[str]:
    """Return whether the exporter's own accounts need more requests than it may send."""
    interval_seconds = given.common.poll_interval
    requests_per_minute = given.common.requests_per_minute
    if (
        interval_seconds >= _SHORTEST_POLL_INTERVAL_SECONDS
        and accounts * 60.0 / interval_seconds > requests_per_minute
    ):
        yield (
            f"{given.origins.get('poll_interval', 'poll_interval')}: {accounts} accounts every "
            f"{interval_seconds:g} s exceed {requests_per_minute} requests a minute; use "
            f"{math.ceil(accounts * 60.0 / requests_per_minute)}s or more, or several exporters "
            "on different addresses (--total-shards)"
        )


def warnings_of_budget(common: CommonModel, accounts: int) -> Iterator[str]:
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
    # Places instead of names, for one of these may be an e-mail by mistake.
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
