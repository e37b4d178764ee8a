"""How a simulator is set up, and what is refused."""

import math
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from exporter.simulator.books import FIRST_ACCOUNT_ID
from exporter.simulator.faults import FAULTS
from exporter.simulator.market import SCENARIOS

ENDPOINTS = ("balances", "mark-price", "provisioning/borrow", "user-liquidations")
"""What follows /v3/margin/ in the paths that are served."""

_MAX_PORT = 65_535
_MAX_SPEED = 86_400
_MAX_ACCOUNTS = 10_000
# An account needs something to own and something to owe.
_MIN_CURRENCIES = 2
_MAX_CURRENCIES = 2_000
_MAX_RATE_LIMIT = 10_000_000


@dataclass(frozen=True)
class SimulatorConfig:
    """The simulator's parameters. Raises ValueError, naming the parameter.

    Port 0 takes a free one. `speed` is simulated seconds per second. Beside `key`, `accounts` more
    are served, by `key`-1 and so on; `secret` and `email` are those of every key, and the defaults
    are public, because they open nothing but this simulator. `currencies` is per account; the
    `documented` scenario has its own three. `rate_limit` is requests per minute, per client host
    and per key. `fault` is one of FAULTS, or None for a healthy exchange; it is one of
    `fault_endpoint`, which is one of ENDPOINTS. `account_id` is the `accountID` of the first
    key, and those of the others follow it.
    """

    host: str = "127.0.0.1"
    port: int = 18061
    scenario: str = "calm"
    speed: float = 1.0
    accounts: int = 0
    currencies: int = 3
    rate_limit: int = 600
    fault: str | None = None
    fault_endpoint: str = "balances"
    ssl_context: ssl.SSLContext | None = None
    account_id: int = FIRST_ACCOUNT_ID
    key: str = field(default="demo-key", repr=False)
    secret: str = field(default="demo-secret", repr=False)
    email: str = field(default="demo@example.com", repr=False)

    def __post_init__(self) -> None:
        check_name("scenario", self.scenario, SCENARIOS)
        check_fault(self.fault)
        check_name("fault_endpoint", self.fault_endpoint, ENDPOINTS)
        if not (math.isfinite(self.speed) and 0 < self.speed <= _MAX_SPEED):
            raise ValueError(
                f"speed must be above 0 and at most {_MAX_SPEED}, but is {self.speed!r}"
            )
        _check_range("port", self.port, 0, _MAX_PORT)
        _check_range("accounts", self.accounts, 0, _MAX_ACCOUNTS)
        _check_range("currencies", self.currencies, _MIN_CURRENCIES, _MAX_CURRENCIES)
        _check_range("rate_limit", self.rate_limit, 1, _MAX_RATE_LIMIT)


def check_fault(name: str | None) -> None:
    """Refuse a fault that is not registered. Raises ValueError with the nearest name."""
    if name is not None:
        check_name("fault", name, FAULTS)


def check_name(parameter: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known. Raises ValueError with the nearest one."""
    names = list(known)
    if name not in names:
        nearest = get_close_matches(name.casefold(), names, n=1, cutoff=0.0)[0]
        raise ValueError(f"{parameter} {name!r} does not exist; the nearest is {nearest!r}")


def _check_range(parameter: str, number: int, lowest: int, highest: int) -> None:
    if type(number) is not int or not lowest <= number <= highest:
        raise ValueError(
            f"{parameter} must be a whole number from {lowest} to {highest}, but is {number!r}"
        )
