"""What one look at an account found."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from exporter.exchange.snapshot import Snapshot
from exporter.risk.assessment import Risk, assess
from exporter.state.account import Account


@dataclass(frozen=True, slots=True)
class Lack:
    """An endpoint that gave nothing, and why."""

    endpoint: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Look:
    """An account as it was at `timestamp_seconds` of unix time.

    `snapshot` is None if the poll failed, and `failure` says why. `prices` and `annual_ratios` are
    empty where their endpoint gave nothing, which is then among `lacks`.
    """

    account: Account
    timestamp_seconds: float
    snapshot: Snapshot | None
    failure: Lack | None
    prices: Mapping[str, Decimal]
    annual_ratios: Mapping[str, Decimal]
    lacks: tuple[Lack, ...] = ()

    @property
    def risk(self) -> Risk | None:
        """What follows from it."""
        if self.snapshot is None:
            return None
        return assess(self.snapshot, self.prices, self.annual_ratios, self.account.thresholds)
