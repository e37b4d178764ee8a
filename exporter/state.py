"""The latest state of each account, its endpoints and the market: frozen, replaced whole."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from exporter.bitopro.balances import Snapshot
from exporter.bitopro.consistency import SAFE_LABELS, Undocumented, with_undocumented
from exporter.bitopro.endpoints import OptionalResponse
from exporter.bitopro.liquidations import Liquidation, Liquidations
from exporter.bitopro.market import BorrowTerms, MarkPrices
from exporter.errors import (
    REASONS,
    AuthenticationError,
    HTTPStatusError,
    PollError,
    WrongAccountError,
)
from exporter.risk import ASSUMED_THRESHOLDS, STABLE_CURRENCIES, Risk, Thresholds, assess

# The name under which a drill appears, so that it cannot be taken for a real account.
DRILL_ACCOUNT = "drill"


@dataclass(frozen=True, slots=True)
class Account:
    """One configured key, known by the operator's own name for it.

    A snapshot of it is exposed until `stale_after_seconds` after it was received. While it is in
    danger it is polled every `danger_poll_interval_seconds`, None for no difference. `shows_id`
    says whether the exchange's id of the account may appear on the page.
    """

    name: str
    base_url: str
    poll_interval_seconds: float
    stale_after_seconds: float
    thresholds: Thresholds = ASSUMED_THRESHOLDS
    stable_currencies: frozenset[str] = STABLE_CURRENCIES
    safe_labels: frozenset[str] = SAFE_LABELS
    shows_id: bool = True
    danger_poll_interval_seconds: float | None = None


LIQUIDATIONS_STALE_AFTER_SECONDS = 180.0

# Of the warning threshold: below that an account is in danger.
_NEAR = 1.25

NO_FAILURES: Mapping[str, int] = MappingProxyType(dict.fromkeys(REASONS, 0))

# A peer that invents serials for ever must not fill the memory.
_MAX_SERIALS = 10_000


@dataclass(frozen=True, slots=True)
class EndpointState:
    """The counters of an endpoint that was asked at least once with the account's key.

    `reason` and `message` are the last request's failure, None after a success. `is_available` is
    False after an answer that says that the key may not ask this.
    """

    failures: Mapping[str, int] = field(default_factory=lambda: NO_FAILURES)
    reason: str | None = None
    message: str | None = None
    is_available: bool = True
    last_success_timestamp_seconds: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the last request gave a verified answer."""
        return self.reason is None

    def after_success(self, timestamp_seconds: float) -> "EndpointState":
        """Return the state after a verified answer, which came at that unix time."""
        return replace(
            self,
            reason=None,
            message=None,
            is_available=True,
            last_success_timestamp_seconds=timestamp_seconds,
        )

    def after_failure(self, error: PollError) -> "EndpointState":
        """Return the state after a request that failed."""
        failures = {**self.failures, error.reason: self.failures[error.reason] + 1}
        return replace(
            self,
            failures=MappingProxyType(failures),
            reason=error.reason,
            message=str(error),
            is_available=not means_unavailable(error),
        )


def means_unavailable(error: PollError) -> bool:
    """Return whether an optional endpoint's error closes it to the key: 401, 403, 404."""
    return isinstance(error, AuthenticationError) or (
        isinstance(error, HTTPStatusError) and error.status == 404  # noqa: PLR2004 - HTTP's
    )


@dataclass(frozen=True, slots=True)
class LiquidationCounts:
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
    before: LiquidationCounts | None, listed: Liquidations, monotonic_seconds: float
) -> LiquidationCounts:
    """Return the counters after an answer: a serial that was counted is not counted again."""
    serials = before.serials if before else frozenset()
    if len(serials) < _MAX_SERIALS:
        serials |= listed.finished.keys()
    return LiquidationCounts(listed, monotonic_seconds, serials)


# Terms change rarely and are asked for rarely: three requests.
TERMS_STALE_AFTER_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class MarketState:
    """The last verified prices and terms, however old, with when they came (monotonic seconds).

    `stale_after_seconds` is the configured age at which prices disappear; terms last longer.
    """

    stale_after_seconds: float
    prices: MarkPrices | None = None
    prices_monotonic_seconds: float = float("-inf")
    terms: BorrowTerms | None = None
    terms_monotonic_seconds: float = float("-inf")

    @property
    def prices_expire_at_monotonic_seconds(self) -> float:
        """When the prices are to disappear; minus infinity without any."""
        return self.prices_monotonic_seconds + self.stale_after_seconds

    @property
    def terms_expire_at_monotonic_seconds(self) -> float:
        """When the terms are to disappear; minus infinity without any."""
        return self.terms_monotonic_seconds + max(
            TERMS_STALE_AFTER_SECONDS, self.stale_after_seconds
        )

    @property
    def annual_ratios(self) -> Mapping[str, Decimal]:
        """Rates of interest a year by currency, 0.01 being 1 %; empty without terms."""
        terms = self.terms.terms if self.terms else {}
        return {name: term.annual_interest_ratio for name, term in terms.items()}

    def after(self, response: MarkPrices | BorrowTerms, monotonic_seconds: float) -> "MarketState":
        """Return the state after an answer that came at `monotonic_seconds`."""
        if isinstance(response, MarkPrices):
            return replace(self, prices=response, prices_monotonic_seconds=monotonic_seconds)
        return replace(self, terms=response, terms_monotonic_seconds=monotonic_seconds)


_NOT_ASKED: Mapping[str, EndpointState] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PollTimes:
    """When a poll ended and how long it took.

    `monotonic_seconds` orders ages, `timestamp_seconds` is unix time for people.
    """

    monotonic_seconds: float
    timestamp_seconds: float
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Received:
    """A verified snapshot and when it came.

    `changed_timestamp_seconds` is unix time of the first answer that read exactly like this one.
    """

    snapshot: Snapshot
    monotonic_seconds: float
    changed_timestamp_seconds: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """The risk of a snapshot, at the prices and terms of borrowing that were known then.

    What depends on prices, or on terms, is to disappear when those do (monotonic seconds); infinity
    where none were known.
    """

    risk: Risk
    prices_expire_at_monotonic_seconds: float
    terms_expire_at_monotonic_seconds: float


@dataclass(frozen=True, slots=True)
class AccountState:
    """The latest about one account.

    `received` is the last verified snapshot, however old; `is_fresh` says whether it may still
    be shown. `assessment` is of that snapshot. `reason` and `message` are the last poll's failure,
    None after a success; a text is kept and not the exception, which would keep its frames alive.
    `since_timestamp_seconds` is
    unix time at which success turned into failure or back. `undocumented` is all
    that answers have held, since the start, that is not documented. `endpoints` has the optional
    ones that were asked with this account's key, by name. `due_monotonic_seconds` is when the next
    poll is to begin, and `interval_seconds` the present interval, None before the first.
    """

    account: Account
    polls: int = 0
    failures: Mapping[str, int] = field(default_factory=lambda: NO_FAILURES)
    reason: str | None = None
    message: str | None = None
    received: Received | None = None
    assessment: Assessment | None = None
    last_success_timestamp_seconds: float = 0.0
    since_timestamp_seconds: float | None = None
    poll_duration_seconds: float | None = None
    clock_skew_seconds: float | None = None
    undocumented: frozenset[Undocumented] = frozenset()
    endpoints: Mapping[str, EndpointState] = field(default_factory=lambda: _NOT_ASKED)
    liquidations: LiquidationCounts | None = None
    due_monotonic_seconds: float | None = None
    interval_seconds: float | None = None

    @property
    def is_in_danger(self) -> bool:
        """Whether the account was near its thresholds, or not called safe, when last seen.

        Near is a ratio below 1.25 times its warning threshold, or a distance to liquidation within
        its warning distance. Never without debt.
        """
        if self.received is None or not self.received.snapshot.total_debt_amount:
            return False
        thresholds, label = self.account.thresholds, self.received.snapshot.ad_ratio_label
        return label not in self.account.safe_labels or (
            self.assessment is not None
            and self.assessment.risk.is_near(
                _NEAR * thresholds.warning, thresholds.distance_warning
            )
        )

    @property
    def is_hurried(self) -> bool:
        """Whether it is in danger, and such accounts are polled otherwise than the rest."""
        return self.account.danger_poll_interval_seconds is not None and self.is_in_danger

    @property
    def is_up(self) -> bool:
        """Whether the last poll gave a verified snapshot; False before the first."""
        return self.is_tried and self.reason is None

    @property
    def is_tried(self) -> bool:
        """Whether the account has been polled at all."""
        return self.polls > 0

    @property
    def snapshot(self) -> Snapshot | None:
        """The last verified snapshot, however old."""
        return self.received.snapshot if self.received else None

    @property
    def expires_at_monotonic_seconds(self) -> float:
        """When the snapshot is to disappear; minus infinity without one."""
        if self.received is None:
            return float("-inf")
        return self.received.monotonic_seconds + self.account.stale_after_seconds

    @property
    def liquidations_expire_at_monotonic_seconds(self) -> float:
        """When the liquidations are to disappear; minus infinity without an answer."""
        if self.liquidations is None:
            return -math.inf
        # Not before the next request, which can be no sooner than the next poll.
        lasts_seconds = max(LIQUIDATIONS_STALE_AFTER_SECONDS, self.account.stale_after_seconds)
        return self.liquidations.monotonic_seconds + lasts_seconds

    def may_ask(self, endpoint: str) -> bool:
        """Whether the key may ask this endpoint, as far as is known."""
        return self.endpoints.get(endpoint, EndpointState()).is_available

    def is_fresh(self, monotonic_seconds: float) -> bool:
        """Whether there is a snapshot young enough to be shown."""
        return monotonic_seconds < self.expires_at_monotonic_seconds

    def assessed(self, market: MarketState, monotonic_seconds: float) -> "AccountState":
        """Return the state with the risk of its snapshot, at what is known of the market now."""
        if self.received is None:
            return self
        prices_expire_at = market.prices_expire_at_monotonic_seconds
        terms_expire_at = market.terms_expire_at_monotonic_seconds
        has_prices = monotonic_seconds < prices_expire_at
        has_terms = monotonic_seconds < terms_expire_at
        risk = assess(
            self.received.snapshot,
            market.prices.prices if market.prices and has_prices else {},
            market.annual_ratios if has_terms else {},
            self.account.thresholds,
            self.account.stable_currencies,
        )
        return replace(
            self,
            assessment=Assessment(
                risk,
                prices_expire_at if has_prices else math.inf,
                terms_expire_at if has_terms else math.inf,
            ),
        )

    def after_success(
        self, snapshot: Snapshot, times: PollTimes, clock_skew_seconds: float | None
    ) -> "AccountState":
        """Return the state after a poll that yielded `snapshot`."""
        before = self.received
        unchanged = before is not None and before.snapshot == snapshot
        return replace(
            self,
            polls=self.polls + 1,
            reason=None,
            message=None,
            received=Received(
                snapshot=snapshot,
                monotonic_seconds=times.monotonic_seconds,
                changed_timestamp_seconds=(
                    before.changed_timestamp_seconds
                    if before is not None and unchanged
                    else times.timestamp_seconds
                ),
            ),
            assessment=None,
            last_success_timestamp_seconds=times.timestamp_seconds,
            since_timestamp_seconds=(
                self.since_timestamp_seconds if self.is_up else times.timestamp_seconds
            ),
            poll_duration_seconds=times.duration_seconds,
            clock_skew_seconds=clock_skew_seconds,
            undocumented=with_undocumented(self.undocumented, snapshot),
        )

    def after_failure(self, error: PollError, times: PollTimes) -> "AccountState":
        """Return the state after a poll that failed.

        The snapshot stays until it is stale, unless the key now answers for another account:
        then it is unknown whose numbers we hold, and they go at once.
        """
        was_failing = self.reason is not None
        return replace(
            self,
            polls=self.polls + 1,
            failures=MappingProxyType(
                {**self.failures, error.reason: self.failures[error.reason] + 1}
            ),
            reason=error.reason,
            message=str(error),
            received=None if isinstance(error, WrongAccountError) else self.received,
            assessment=None if isinstance(error, WrongAccountError) else self.assessment,
            liquidations=None if isinstance(error, WrongAccountError) else self.liquidations,
            since_timestamp_seconds=(
                self.since_timestamp_seconds if was_failing else times.timestamp_seconds
            ),
            poll_duration_seconds=times.duration_seconds,
            clock_skew_seconds=error.clock_skew_seconds,
        )

    def after_answer(
        self, endpoint: str, response: OptionalResponse, times: PollTimes
    ) -> "AccountState":
        """Return the state after an optional endpoint's verified answer to this account's key."""
        asked = self.endpoints.get(endpoint, EndpointState())
        return replace(
            self,
            endpoints=MappingProxyType(
                {**self.endpoints, endpoint: asked.after_success(times.timestamp_seconds)}
            ),
            liquidations=(
                with_liquidations(self.liquidations, response, times.monotonic_seconds)
                if isinstance(response, Liquidations)
                else self.liquidations
            ),
            undocumented=with_undocumented(self.undocumented, response),
        )

    def after_no_answer(self, endpoint: str, error: PollError) -> "AccountState":
        """Return the state after an optional request that failed; nothing else is touched by it."""
        asked = self.endpoints.get(endpoint, EndpointState())
        return replace(
            self,
            endpoints=MappingProxyType({**self.endpoints, endpoint: asked.after_failure(error)}),
        )


class Store:
    """The latest state of every account, in the order of the configuration."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._states = {account.name: AccountState(account) for account in accounts}

    def put(self, state: AccountState) -> None:
        """Replace the account's state by a later one."""
        self._states[state.account.name] = state

    def replace_all(self, states: Iterable[AccountState]) -> None:
        """Replace the accounts and their order, by their states."""
        self._states = {state.account.name: state for state in states}

    def states(self) -> tuple[AccountState, ...]:
        """Return the present states, in the order of the configuration."""
        return tuple(self._states.values())
