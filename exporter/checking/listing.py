"""The settings in force, each with the place that it came from; secrets are masked."""

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exporter.command_line.flag_groups import DEFAULT_ADDRESS
from exporter.command_line.flag_tree import commands_of
from exporter.command_line.flags import command_line
from exporter.configuration.credentials import Secret
from exporter.configuration.settings import AccountSettings, Settings

MASK = "********"
_DEFAULT = "default"


class Listed(NamedTuple):
    """A setting as a person reads it."""

    name: str
    value: str
    origin: str


def listed_flags(options: Namespace) -> Iterator[Listed]:
    """Give each flag of `run` but those that have neither value nor default."""
    flags = next(each for each in commands_of(command_line()) if each.name == "run").flags
    for flag in flags:
        given = getattr(options, flag.dest)
        if flag.dest == "listen_addresses":
            given = given or [DEFAULT_ADDRESS]
        values = given if isinstance(given, list) else [given]
        origin = "flag" if flag.option in options.given else _DEFAULT
        yield from (Listed(flag.option, _text(each), origin) for each in values if each is not None)


def listed_settings(settings: Settings) -> Iterator[Listed]:
    """Give what holds for all accounts."""
    if not settings.accounts:
        return
    account, origins = settings.accounts[0].account, settings.origins
    yield _listed(origins, "poll_interval", f"{account.poll_interval_seconds:g}s")
    yield _listed(
        origins, "stale_after", f"{account.stale_after_seconds:g}s", "default: three intervals"
    )
    yield _listed(origins, "requests_per_minute", str(settings.requests_per_minute))
    yield _listed(origins, "hide_account_id", _text(not account.shows_id))
    authorities = os.environ.get("SSL_CERT_FILE")
    yield (
        Listed("authorities", authorities, "environment SSL_CERT_FILE")
        if authorities
        else Listed("authorities", "certifi's list", _DEFAULT)
    )


def listed_account(each: AccountSettings) -> Iterator[Listed]:
    """Give what is about one account."""
    account, origins = each.account, each.origins
    yield _listed(origins, "account", account.name)
    yield _listed(origins, "base_url", account.base_url)
    yield _secret("api_key", each.credentials.api_key)
    yield _secret("api_secret", each.credentials.api_secret)
    yield _secret("email", each.credentials.email)
    for level, ratio in account.thresholds.by_level().items():
        yield _listed(
            origins, f"threshold_{level}", f"{ratio:g}", "default: assumed, BitoPro publishes none"
        )


def table(rows: Iterable[Listed]) -> str:
    """Give the rows as lines, in columns."""
    kept = list(rows)
    names = max((len(each.name) for each in kept), default=0)
    values = max((len(each.value) for each in kept), default=0)
    return "".join(
        f"  {each.name:{names}}  {each.value:{values}}  {each.origin}\n" for each in kept
    )


def _listed(origins: Mapping[str, str], name: str, value: str, otherwise: str = _DEFAULT) -> Listed:
    return Listed(name, value, _source(origins[name]) if name in origins else otherwise)


def _secret(name: str, secret: Secret) -> Listed:
    if secret.file is None:
        return Listed(name, MASK, _source(secret.setting))
    return Listed(name, MASK, f"secret file {secret.file}, named by {secret.setting}")


def _source(place: str) -> str:
    return f"environment {place}" if place.isupper() else f"file {place}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
