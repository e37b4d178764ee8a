"""What is configured about one account, without its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

# The name under which a drill appears, so that nobody takes it for an account of theirs.
DRILL_ACCOUNT = "drill"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Account-to-debt ratios at which someone is to be told.

    The exchange publishes none: the defaults are those of MAX, the other Taiwanese exchange with
    the same ratio, and are called assumed wherever they are shown. `chosen` names the levels that
    the operator has set.
    """

    warning: float = 1.5
    critical: float = 1.3
    liquidation: float = 1.2
    chosen: frozenset[str] = frozenset()

    def by_level(self) -> Mapping[str, float]:
        """Give the threshold of each level, from the highest down."""
        return {
            "warning": self.warning,
            "critical": self.critical,
            "liquidation": self.liquidation,
        }


ASSUMED_THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Account:
    """One configured key, known by the operator's own name for it.

    A snapshot of it is exposed until `stale_after_seconds` after it was received. `shows_id` tells
    whether the exchange's id of the account may appear on the page.
    """

    name: str
    base_url: str
    poll_interval_seconds: float
    stale_after_seconds: float
    thresholds: Thresholds = ASSUMED_THRESHOLDS
    shows_id: bool = True
