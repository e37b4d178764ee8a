"""What a configuration must not be, however well each setting reads alone: a sentence each."""

import math
from collections.abc import Iterable, Sequence

from exporter.bitopro.endpoints import BALANCES, OPTIONAL_ENDPOINTS
from exporter.config.values import SourceAccount, SourceSettings
from exporter.errors import ConfigurationError
from exporter.risk import Thresholds
from exporter.state import DRILL_ACCOUNT

STALE_AFTER_POLLS = 3

_SHORTEST_POLL_INTERVAL_SECONDS = 1.0
_LONGEST_POLL_INTERVAL_SECONDS = 600.0
_LONGEST_STALE_AFTER_SECONDS = 3600.0


def problems_of_schedule(
    given: SourceSettings, interval_seconds: float, stale_after_seconds: float
) -> Sequence[str]:
    """Return what is wrong with the times, each named by where it was given."""
    problems: list[str] = []
    interval = given.origins.get("poll_interval", "poll_interval")
    stale_after = given.origins.get("stale_after", "stale_after")
    if not (_SHORTEST_POLL_INTERVAL_SECONDS <= interval_seconds <= _LONGEST_POLL_INTERVAL_SECONDS):
        problems.append(f"{interval}: from 1s to 10m is possible")
    if stale_after_seconds < interval_seconds:
        problems.append(
            f"{stale_after}: shorter than poll_interval, so that values would come and go; "
            f"use {STALE_AFTER_POLLS} intervals"
        )
    elif stale_after_seconds > _LONGEST_STALE_AFTER_SECONDS:
        problems.append(
            f"{stale_after}: longer than 1h; such old values would be taken for present"
        )
    return problems


def problems_of_budget(
    given: SourceSettings, interval_seconds: float, accounts: int, requests_per_minute: int
) -> Sequence[str]:
    """Return whether the exporter's own accounts need more requests than it may send."""
    if interval_seconds < _SHORTEST_POLL_INTERVAL_SECONDS:
        return []
    if accounts * 60.0 / interval_seconds <= requests_per_minute:
        return []
    needed_seconds = math.ceil(accounts * 60.0 / requests_per_minute)
    interval = given.origins.get("poll_interval", "poll_interval")
    problem = (
        f"{interval}: {accounts} accounts every {interval_seconds:g} s exceed "
        f"{requests_per_minute} requests a minute; use {needed_seconds}s or more, or several "
        "exporters on different addresses (--total-shards)"
    )
    return [problem]


def warnings_of_budget(
    interval_seconds: float, accounts: int, requests_per_minute: int
) -> Sequence[str]:
    """Return a warning if polls leave too few requests for prices to come in time, or at all."""
    of_account = [BALANCES, *(each for each in OPTIONAL_ENDPOINTS if each.is_of_account)]
    of_all = [each for each in OPTIONAL_ENDPOINTS if not each.is_of_account]
    needed = sum(
        60.0 / max(each.interval_seconds or 0.0, interval_seconds)
        for each in [*of_account * accounts, *of_all]
    )
    if needed <= requests_per_minute:
        return ()
    text = (
        f"poll_interval: {accounts} accounts every {interval_seconds:g} s leave too few requests "
        "for prices, terms and liquidations, which will be late or missing; use a longer one, or "
        "several exporters on different addresses (--total-shards)"
    )
    return (text,)


def problems_of_names(accounts: Iterable[SourceAccount]) -> Sequence[str]:
    """Return which names occur twice, or are not for accounts."""
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


def problems_of_thresholds(accounts: Iterable[SourceAccount]) -> Sequence[str]:
    """Return which accounts' thresholds are out of order."""
    return [
        f"{each.where}: thresholds must fall from warning over critical to liquidation, but are "
        + ", ".join(f"{ratio:g}" for ratio in each.thresholds.by_level().values())
        for each in accounts
        if not _is_falling(each.thresholds)
    ]


def _is_falling(thresholds: Thresholds) -> bool:
    return thresholds.warning > thresholds.critical > thresholds.liquidation


def problems_of_credentials(accounts: Iterable[SourceAccount]) -> Sequence[str]:
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
