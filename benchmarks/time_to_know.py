"""Seconds from a change at the exchange to the delivered message: `make time-to-know`.

Thirty accounts for each kind of trouble, simulated, on exporters of eight, with Debian's Prometheus
and Alertmanager and the shipped rules and routes on this machine. Each falls at a moment of its own
within a minute. It takes nine minutes, five of them because a pace needs five minutes to be known.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from exporter.cli.terminal import echo, echo_error
from tests.e2e.alerting import alerting, missing_tool, until
from tests.e2e.faults import (
    BELOW_CRITICAL,
    BELOW_LIQUIDATION,
    FAR_BELOW_WARNING,
    LIQUIDATION,
    UNPROVEN,
)
from tests.e2e.receiver import Receiver, receiving
from tests.e2e.sites import Exporter, FakeExchange, key_of

_ACCOUNTS = 30
_TOGETHER = 8
_POLL_SECONDS = 15
_KNOWN_SECONDS = 300.0
_SPREAD_SECONDS = 60.0
_PATIENCE_SECONDS = 240.0
_SEED = 20


@dataclass(frozen=True)
class _Trouble:
    """What happens to an account, and the alert that tells it."""

    name: str
    alert: str
    happen: Callable[[FakeExchange], None]


# All begin at a ratio of 1.79, which is near enough to its warning threshold to be in danger.
_TROUBLES = (
    _Trouble("below liquidation", LIQUIDATION, lambda each: each.go_to(BELOW_LIQUIDATION)),
    _Trouble(
        "below critical", "BitoproMarginRatioCritical", lambda each: each.go_to(BELOW_CRITICAL)
    ),
    _Trouble(
        "pace: falls to 1.33",
        "BitoproMarginLiquidationImminent",
        lambda each: each.go_to(FAR_BELOW_WARNING),
    ),
    _Trouble("blind while in danger", UNPROVEN, lambda each: each.break_by("status-503")),
)


@dataclass
class _Account:
    """One account: when it is to fall, when it did, and when that was told (monotonic seconds)."""

    name: str
    trouble: _Trouble
    exchange: FakeExchange
    falls_at: float
    fell_at: float | None = None
    told_at: float | None = field(default=None)

    def look(self, receiver: Receiver) -> None:
        """Fall when it is time, and see whether it was told."""
        now = time.monotonic()
        if self.fell_at is None and now >= self.falls_at:
            self.fell_at = now
            self.trouble.happen(self.exchange)
        elif self.fell_at is not None and self.told_at is None:
            told = receiver.first(self.trouble.alert, {"account": self.name}, self.fell_at)
            self.told_at = told.at if told else None


def main() -> int:
    """Measure and print a table; 1 if something was not told."""
    if package := missing_tool():
        echo_error(f"error: install Debian's package {package}\n")
        return 1
    with ExitStack() as stack:
        accounts = _fallen(stack, Path(stack.enter_context(tempfile.TemporaryDirectory())))
    echo(_table(accounts))
    return 0 if all(each.told_at for each in accounts) else 1


def _fallen(stack: ExitStack, folder: Path) -> Sequence[_Account]:
    portal = stack.enter_context(start_blocking_portal())
    exchanges = _exchanges(stack, portal)
    names = list(exchanges)
    # A process is told of before the next one starts, so that they do not all start at once.
    exporters = []
    for start in range(0, len(names), _TOGETHER):
        some = {name: exchanges[name].base_url for name in names[start : start + _TOGETHER]}
        exporter = Exporter(folder / f"exporter-{start}", 1.0, some, _POLL_SECONDS)
        stack.callback(exporter.close)
        exporters.append(exporter.address)
    receiver = stack.enter_context(receiving())
    servers = stack.enter_context(alerting(folder, 1.0, receiver.url, exporters))
    echo(
        f"{len(names)} accounts on {len(exporters)} exporters; five minutes until the first falls\n"
    )
    until(
        lambda: servers.query(f"count(account:bitopro_margin_proven_safe:max) == {len(names)}"),
        "every account proven safe",
        _PATIENCE_SECONDS,
    )
    draw = random.Random(_SEED)  # noqa: S311 - moments, and no secrets
    known_at = time.monotonic() + _KNOWN_SECONDS
    accounts = [
        _Account(
            name,
            _TROUBLES[number % len(_TROUBLES)],
            exchanges[name],
            known_at + draw.uniform(0.0, _SPREAD_SECONDS),
        )
        for number, name in enumerate(names)
    ]
    deadline = known_at + _SPREAD_SECONDS + _PATIENCE_SECONDS
    while any(each.told_at is None for each in accounts) and time.monotonic() < deadline:
        for each in accounts:
            each.look(receiver)
        time.sleep(0.02)
    return accounts


def _exchanges(stack: ExitStack, portal: BlockingPortal) -> Mapping[str, FakeExchange]:
    names = [f"account-{number}" for number in range(_ACCOUNTS * len(_TROUBLES))]
    return {name: FakeExchange(portal, stack, "drill", key_of(name)) for name in names}


def _table(accounts: Sequence[_Account]) -> str:
    lines = [f"{'seconds until told':24}{'mean':>7}{'p90':>7}{'worst':>7}{'of':>5}\n"]
    for trouble in _TROUBLES:
        own = [each for each in accounts if each.trouble is trouble]
        seconds = [
            each.told_at - each.fell_at for each in own if each.told_at and each.fell_at is not None
        ]
        if len(seconds) < len(own):
            lines.append(f"{trouble.name:24}{len(own) - len(seconds)} of {len(own)} NOT TOLD\n")
            continue
        p90 = statistics.quantiles(seconds, n=10)[-1]
        lines.append(
            f"{trouble.name:24}{statistics.mean(seconds):7.1f}{p90:7.1f}{max(seconds):7.1f}"
            f"{len(seconds):5}\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
