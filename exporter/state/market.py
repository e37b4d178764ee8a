"""What is known of the exchange's market, for all accounts alike: frozen, replaced whole."""

from dataclasses import dataclass, replace

from exporter.exchange.borrow_terms import BorrowTerms
from exporter.exchange.mark_prices import MarkPrices

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

    def after(self, learned: MarkPrices | BorrowTerms, monotonic_seconds: float) -> "MarketState":
        """Give the state after an answer that came at `monotonic_seconds`."""
        if isinstance(learned, MarkPrices):
            return replace(self, prices=learned, prices_monotonic_seconds=monotonic_seconds)
        return replace(self, terms=learned, terms_monotonic_seconds=monotonic_seconds)
