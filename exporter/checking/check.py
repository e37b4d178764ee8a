"""The command `check`: the same sources as `run`, then each account, one line per step."""

import asyncio
import ssl
from argparse import Namespace
from collections.abc import Iterable
from functools import partial

from exporter.checking.listing import listed_account, listed_flags, listed_settings, table
from exporter.checking.protection import protection_steps
from exporter.checking.step import Step
from exporter.checking.steps import NAMES, steps_of
from exporter.checking.terminal import Terminal
from exporter.clock import Clock
from exporter.configuration.settings import AccountSettings, Settings
from exporter.configuration.shards import ONLY_SHARD
from exporter.exchange.budget import RequestBudget
from exporter.exchange.client import Exchange, KnownExchanges
from exporter.exchange.wire import Wire
from exporter.polling.account_poller import DEADLINE_SECONDS
from exporter.service.running import client_ssl_context
from exporter.state.store import AccountState
from exporter.telling import tell

_NAME_WIDTH = max(map(len, NAMES))


def run_check(settings: Settings, options: Namespace, terminal: Terminal) -> bool:
    """Tell what is configured and how each step went, and give whether all of them are good."""
    report = _Report(terminal)
    report.listing("Settings", table([*listed_flags(options), *listed_settings(settings)]))
    for each in settings.accounts:
        report.listing(f"Account {each.account.name}: settings", table(listed_account(each)))
    report.say("Configuration")
    for step in (*_configuration(settings), *protection_steps(options)):
        report.step(step)
    if options.offline:
        report.say("Nobody was asked, because of --offline.")
        return True
    failed = asyncio.run(_check_accounts(settings, report))
    report.say(_conclusion(len(settings.accounts), failed))
    return not failed


def problems_text(problems: Iterable[str], terminal: Terminal) -> str:
    """Give a line with a cross for each problem of a configuration."""
    return "".join(f"{terminal.sign('bad')} {terminal.printable(each)}\n" for each in problems)


class _Report:
    """Lines on standard output, as soon as they are known."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def say(self, text: str) -> None:
        tell(self._terminal.printable(f"\n{text}\n"))

    def listing(self, title: str, lines: str) -> None:
        tell(self._terminal.printable(f"\n{title}\n{lines}"))

    def step(self, step: Step) -> None:
        text = self._terminal.printable(f"{step.name:{_NAME_WIDTH}}  {step.text}")
        tell(f"  {self._terminal.sign(step.verdict)} {text}\n")
        if step.do:
            tell(self._terminal.printable(f"      {self._terminal.arrow()} {step.do}\n"))


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
    """Try each account, and give the names of those with a bad step."""
    clock, context = Clock(), client_ssl_context()
    budget = RequestBudget(clock, settings.requests_per_minute)
    exchanges = KnownExchanges()
    failed: list[str] = []
    for each in settings.accounts:
        report.say(f"Account {each.account.name}: step by step")
        if not await _is_good(each, report, clock, context, budget, exchanges):
            failed.append(each.account.name)
    return failed


async def _is_good(  # noqa: PLR0913, PLR0917 - everything it needs is passed in
    each: AccountSettings,
    report: _Report,
    clock: Clock,
    context: ssl.SSLContext,
    budget: RequestBudget,
    exchanges: KnownExchanges,
) -> bool:
    deadline_seconds = min(DEADLINE_SECONDS, each.account.poll_interval_seconds)
    verdicts: dict[str, str] = {}
    async with Wire(context) as wire:

        def make_exchange() -> Exchange:
            return Exchange(
                base_url=each.account.base_url,
                read_credentials=each.credentials.read,
                wire=wire,
                clock=clock,
                take_slot=budget.take,
                deadline_seconds=deadline_seconds,
                claim=partial(exchanges.claim, each.account.name, each.account.base_url),
                dates=exchanges.dates(each.account.base_url),
            )

        async for step in steps_of(
            AccountState(each.account), make_exchange, context, clock, deadline_seconds
        ):
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
        f"Mend what is marked, then check again; {len(failed)} of {accounts} accounts cannot be "
        f"watched as it is: {', '.join(failed)}"
    )
