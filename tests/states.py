"""States of accounts at given times, for tests of whatever shows them."""

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.endpoints import OPTIONAL_ENDPOINTS
from exporter.bitopro.market import parse_borrow_terms, parse_mark_prices
from exporter.state import Account, AccountState, MarketState, PollTimes
from tests.bitopro.answers import example

ACCOUNT = Account(
    name="main",
    base_url="https://api.bitopro.com/v3",
    poll_interval_seconds=15.0,
    stale_after_seconds=45.0,
)


def at(monotonic_seconds: float) -> PollTimes:
    """Return the times of a poll of a quarter second that ended at that reading of both clocks.

    Unix time is taken to be 1,700,000,000 seconds ahead of the monotonic clock.
    """
    return PollTimes(
        monotonic_seconds=monotonic_seconds,
        timestamp_seconds=1_700_000_000.0 + monotonic_seconds,
        duration_seconds=0.25,
    )


def polled(body: bytes, monotonic_seconds: float = 0.0, account: Account = ACCOUNT) -> AccountState:
    """Return the state of an account whose first poll brought `body`, without known prices."""
    state = AccountState(account).after_success(parse_snapshot(body), at(monotonic_seconds), 0.5)
    return state.assessed(MarketState(0.0), monotonic_seconds)


def asked(state: AccountState, monotonic_seconds: float = 0.0) -> AccountState:
    """Return the state after every optional endpoint gave its example to the account's key."""
    for endpoint in OPTIONAL_ENDPOINTS:
        response = endpoint.parse(example(endpoint.name))
        state = state.after_answer(endpoint.name, response, at(monotonic_seconds))
    return state.assessed(market(monotonic_seconds), monotonic_seconds)


def market(monotonic_seconds: float = 0.0, stale_after_seconds: float = 45.0) -> MarketState:
    """Return what is known of the market after the examples of prices and terms."""
    return (
        MarketState(stale_after_seconds)
        .after(parse_mark_prices(example("mark-price")), monotonic_seconds)
        .after(parse_borrow_terms(example("provisioning/borrow")), monotonic_seconds)
    )
