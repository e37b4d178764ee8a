"""How one account's requests to one optional endpoint are doing, and what they said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from exporter.errors import REASONS, AuthenticationError, HTTPStatusError, PollError
from exporter.exchange.liquidations import Liquidation, Liquidations

LIQUIDATIONS_STALE_AFTER_SECONDS = 180.0

NO_FAILURES: Mapping[str, int] = MappingProxyType(dict.fromkeys(REASONS, 0))

# A peer that invents serials for ever must not fill the memory.
_MAX_SERIALS = 10_000


@dataclass(frozen=True, slots=True)
class EndpointState:
    """The tally of an endpoint that was asked at least once with the account's key.

    `reason` is the last request's failure, None after a success. `is_available` is False after an
    answer that says that the key may not ask this.
    """

    failures: Mapping[str, int] = field(default_factory=lambda: NO_FAILURES)
    reason: str | None = None
    is_available: bool = True
    last_success_timestamp_seconds: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the last request gave a verified answer."""
        return self.reason is None

    def after_success(self, timestamp_seconds: float) -> "EndpointState":
        """Give the state after a verified answer, which came at that unix time."""
        return replace(
            self,
            reason=None,
            is_available=True,
            last_success_timestamp_seconds=timestamp_seconds,
        )

    def after_failure(self, error: PollError) -> "EndpointState":
        """Give the state after a request that failed."""
        failures = {**self.failures, error.reason: self.failures[error.reason] + 1}
        return replace(
            self,
            failures=MappingProxyType(failures),
            reason=error.reason,
            is_available=not means_unavailable(error),
        )


def means_unavailable(error: PollError) -> bool:
    """Tell whether an optional endpoint's error says that the key may not ask it: 401, 403, 404."""
    return isinstance(error, AuthenticationError) or (
        isinstance(error, HTTPStatusError) and error.status == 404  # noqa: PLR2004 - HTTP's
    )


@dataclass(frozen=True, slots=True)
class LiquidationTally:
    """The last verified liquidations with when they came, and every finished serial so far."""

    listed: Liquidations
    monotonic_seconds: float
    serials: frozenset[int]

    @property
    def latest(self) -> Liquidation | None:
        """The finished one that ended last; None without any."""
        return max(
            self.listed.finished.values(),
            key=lambda each: (each.finish_timestamp_seconds, each.serial),
            default=None,
        )


def with_liquidations(
    before: LiquidationTally | None, listed: Liquidations, monotonic_seconds: float
) -> LiquidationTally:
    """Give the tally after an answer: a serial that was counted is not counted again."""
    seen = before.serials if before else frozenset()
    if len(seen) < _MAX_SERIALS:
        seen |= listed.finished.keys()
    return LiquidationTally(listed, monotonic_seconds, seen)
