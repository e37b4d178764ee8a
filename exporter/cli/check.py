"""`check`: where every setting came from, then each account step by step."""

import argparse
import asyncio
import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exporter.bitopro.rate_limit import RequestBudget
from exporter.bitopro.transport import Connection
from exporter.cli.check_steps import NAMES, Step, protection_steps, steps_of
from exporter.cli.flags import RUN_FLAGS
from exporter.cli.run import configuration
from exporter.cli.terminal import Terminal, echo, terminal_of
from exporter.clock import Clock
from exporter.config.files import Secret
from exporter.config.model import AUTHORITIES_VARIABLE
from exporter.config.settings import AccountSettings, Settings
from exporter.config.shards import ONLY_SHARD
from exporter.errors import EXIT_CONFIGURATION, EXIT_FAILED, ConfigurationError
from exporter.polling.session import AccountSession, SharedResources
from exporter.service.process import client_ssl_context
from exporter.state import AccountState

MASK = "********"
_DEFAULT = "default"


class Listed(NamedTuple):
    """A setting as a person reads it."""

    name: str
    value: str
    origin: str


def listed_flags(options: Namespace) -> Iterator[Listed]:
    """Return each flag of `run` but those that have neither value nor default."""
    for flag in RUN_FLAGS:
        given = getattr(options, flag.dest)
        values = given if isinstance(given, list) else [flag.default if given is None else given]
        origin = "flag" if flag.option in options.given else _DEFAULT
        yield from (Listed(flag.option, _text(each), origin) for each in values if each is not None)


def listed_settings(settings: Settings) -> Iterator[Listed]:
    """Return what holds for all accounts."""
    if not settings.accounts:
        return
    account, origins = settings.accounts[0].account, settings.origins
    yield _listed(origins, "poll_interval", f"{account.poll_interval_seconds:g}s")
    yield _listed(
        origins, "stale_after", f"{account.stale_after_seconds:g}s", "default: three intervals"
    )
    yield _listed(
        origins,
        "danger_poll_interval",
        f"{account.danger_poll_interval_seconds or 0.0:g}s",
        "default: 3s, or poll_interval if shorter",
    )
    yield _listed(origins, "requests_per_minute", str(settings.requests_per_minute))
    yield _listed(origins, "stable_currencies", ",".join(sorted(account.stable_currencies)))
    yield _listed(origins, "safe_labels", ",".join(sorted(account.safe_labels)))
    yield _listed(origins, "hide_account_id", _text(not account.shows_id))
    authorities = os.environ.get(AUTHORITIES_VARIABLE)
    yield (
        Listed("authorities", authorities, _source(AUTHORITIES_VARIABLE))
        if authorities
        else Listed("authorities", "certifi's list", _DEFAULT)
    )


def listed_account(each: AccountSettings) -> Iterator[Listed]:
    """Return what is about one account."""
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
    for level, distance in account.thresholds.distance_by_level().items():
        yield _listed(origins, f"threshold_distance_{level}", f"{distance:g}")


def table(rows: Iterable[Listed]) -> str:
    """Return the rows as lines, in columns."""
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


_NAME_WIDTH = max(map(len, NAMES))


def run_check(settings: Settings, options: Namespace, terminal: Terminal) -> bool:
    """Print what is configured and how each step went; return whether all steps are good."""
    report = _Report(terminal)
    report.listing("Settings", table([*listed_flags(options), *listed_settings(settings)]))
    for each in settings.accounts:
        report.listing(f"Account {each.account.name}: settings", table(listed_account(each)))
    report.say("Configuration")
    for step in (*_configuration(settings), *protection_steps(options)):
        report.step(step)
    if options.offline:
        report.say("The exchange was not asked, because of --offline.")
        return True
    failed = asyncio.run(_check_accounts(settings, report))
    report.say(_conclusion(len(settings.accounts), failed))
    return not failed


def problems_text(problems: Iterable[str], terminal: Terminal) -> str:
    """Return a line with a cross for each problem of a configuration."""
    return "".join(f"{terminal.sign('bad')} {terminal.printable(each)}\n" for each in problems)


class _Report:
    """Lines on standard output, as soon as they are known."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def say(self, text: str) -> None:
        echo(self._terminal.printable(f"\n{text}\n"))

    def listing(self, title: str, lines: str) -> None:
        echo(self._terminal.printable(f"\n{title}\n{lines}"))

    def step(self, step: Step) -> None:
        text = self._terminal.printable(f"{step.name:{_NAME_WIDTH}}  {step.text}")
        echo(f"  {self._terminal.sign(step.verdict)} {text}\n")
        if step.hint:
            echo(self._terminal.printable(f"      {self._terminal.arrow()} {step.hint}\n"))


def _configuration(settings: Settings) -> Iterable[Step]:
    count = len(settings.accounts)
    ours = ""
    if settings.shard != ONLY_SHARD:
        ours = f", as shard {settings.shard.number} of 0 to {settings.shard.total - 1}"
    text = f"can be run, with {count} account{'' if count == 1 else 's'}{ours}"
    yield Step("settings", "good", text)
    for each in settings.warnings:
        yield Step("careless", "odd", each)


async def _check_accounts(settings: Settings, report: _Report) -> list[str]:
    """Try each account; return the names of those with a bad step."""
    clock = Clock()
    budget = RequestBudget(clock, settings.requests_per_minute)
    resources = SharedResources(clock, client_ssl_context(), budget)
    failed: list[str] = []
    for each in settings.accounts:
        report.say(f"Account {each.account.name}: step by step")
        if not await _is_good(each, report, resources):
            failed.append(each.account.name)
    return failed


async def _is_good(each: AccountSettings, report: _Report, resources: SharedResources) -> bool:
    verdicts: dict[str, str] = {}
    async with Connection(resources.ssl_context) as connection:
        session = AccountSession(
            AccountState(each.account), resources.exchange(each, connection), resources.clock
        )
        async for step in steps_of(session, resources.ssl_context):
            report.step(step)
            verdicts[step.name] = step.verdict
    if "bad" not in verdicts.values():
        return True
    for name in NAMES[NAMES.index(next(reversed(verdicts))) + 1 :]:
        report.step(Step(name, "none", "not tried"))
    return False


def _conclusion(accounts: int, failed: list[str]) -> str:
    if not failed:
        return "All is well: bitopro-margin-exporter run, with the same flags and environment."
    return (
        f"Fix the items marked ✗ and run check again; {len(failed)} of {accounts} accounts cannot "
        f"be monitored: {', '.join(failed)}"
    )


def main(options: argparse.Namespace) -> int:
    """Print how each step went; return 0 if all of them are good."""
    terminal = terminal_of()
    try:
        settings = configuration(options)
    except ConfigurationError as error:
        echo(problems_text(error.problems, terminal))
        return EXIT_CONFIGURATION
    return 0 if run_check(settings, options, terminal) else EXIT_FAILED
