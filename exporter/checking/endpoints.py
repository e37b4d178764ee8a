"""The last steps of `check`: what else the key may ask, and how many series come of it all."""

from collections.abc import AsyncIterator

from exporter.advice import ADVICE
from exporter.checking.step import Step
from exporter.clock import Clock
from exporter.errors import PollError
from exporter.exchange.client import Exchange
from exporter.exchange.endpoints import (
    BORROW_TERMS,
    MARK_PRICE,
    OPTIONAL_ENDPOINTS,
    USER_LIQUIDATIONS,
)
from exporter.exchange.liquidations import Liquidations
from exporter.metrics.account import FAMILIES
from exporter.metrics.market import MARKET_FAMILIES
from exporter.state.endpoint import means_unavailable
from exporter.state.market import MarketState
from exporter.state.store import AccountState, PollTimes

_NAME = "optional"
# What is not known without it.
_LOST = {
    MARK_PRICE.name: "prices, and how far liquidation is",
    BORROW_TERMS.name: "rates of interest and limits of borrowing",
    USER_LIQUIDATIONS.name: "liquidations",
}


async def endpoint_steps(
    state: AccountState, exchange: Exchange, clock: Clock, deadline_seconds: float
) -> AsyncIterator[Step]:
    """Ask each optional endpoint once, and count the series of `state` with what was learned."""
    market = MarketState(state.account.stale_after_seconds)
    for endpoint in OPTIONAL_ENDPOINTS:
        started = clock.monotonic()
        try:
            learned = await exchange.ask(endpoint, deadline_seconds)
        except PollError as error:
            state = state.after_no_answer(endpoint.name, error)
            yield _step_without(endpoint.name, error)
            continue
        if learned is None:
            yield Step(_NAME, "odd", f"{endpoint.name}: not asked, for the budget of requests")
            continue
        ended = clock.monotonic()
        times = PollTimes(ended, clock.wall(), ended - started)
        state = state.after_answer(endpoint.name, learned, times)
        if not isinstance(learned, Liquidations):
            market = market.after(learned, ended)
        yield Step(_NAME, "good", f"{endpoint.name}: answered and verified")
    of_account = sum(1 for family in FAMILIES for _ in family.read(state))
    of_market = sum(1 for family in MARKET_FAMILIES for _ in family.read(market))
    yield Step("series", "good", f"{of_account} of the account, {of_market} of the market")


def _step_without(name: str, error: PollError) -> Step:
    lost = f"everything else is there, but not: {_LOST[name]}"
    if means_unavailable(error):
        return Step(_NAME, "odd", f"{name}: not available to this key; {lost}")
    return Step(_NAME, "odd", f"{name}: {error.reason}: {error}; {lost}", ADVICE[error.reason].do)
