"""What all accounts learn together: prices and terms, and who asks for them next."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from exporter.configuration.settings import Settings
from exporter.exchange.endpoints import BORROW_TERMS, MARK_PRICE
from exporter.metrics.page import Exposition
from exporter.polling.rota import Rota
from exporter.state.market import MarketState


class MarketBoard:
    """The market as far as it is known, and the rota of those who ask about it."""

    def __init__(self, exposition: Exposition, now: float) -> None:
        self.rota = Rota({}, now)
        self._exposition = exposition
        self._market = MarketState(0.0)
        self._base_urls: frozenset[str] = frozenset()

    def update(self, update: Callable[[MarketState], MarketState]) -> None:
        """Replace what is known by what follows from it, and publish that."""
        self._market = update(self._market)
        self._exposition.put_market(self._market)

    def change(self, settings: Settings, now: float) -> None:
        """Go on with other settings; what is known of another market is forgotten."""
        self.rota.change(_intervals_seconds(settings), now)
        base_urls = frozenset(each.account.base_url for each in settings.accounts)
        stale_after_seconds = min(
            (each.account.stale_after_seconds for each in settings.accounts), default=0.0
        )
        known = self._market if base_urls == self._base_urls else MarketState(0.0)
        self._base_urls = base_urls
        self.update(lambda _: replace(known, stale_after_seconds=stale_after_seconds))


def _intervals_seconds(settings: Settings) -> Mapping[str, float]:
    """Give how often to ask what is asked once for all accounts; of two exchanges, nothing is."""
    if not (settings.accounts and settings.has_one_exchange):
        return {}
    shortest_seconds = min(each.account.poll_interval_seconds for each in settings.accounts)
    return {
        each.name: each.interval_seconds or shortest_seconds for each in (MARK_PRICE, BORROW_TERMS)
    }
