"""One account through simulated time: interest every hour, an examination every so often."""

from exporter.simulator.books import Books, accrue
from exporter.simulator.liquidation import liquidate, needs_liquidation
from exporter.simulator.market import prices
from exporter.simulator.scenarios import Scenario

_HOUR_SECONDS = 3600


class Ledger:
    """An account's books, brought up to date on demand.

    Everything happens on a fixed grid of simulated time, so the books at a second do not depend
    on when or how often they were looked at.
    """

    def __init__(self, scenario: Scenario, codes: tuple[str, ...], opening: Books) -> None:
        self._scenario = scenario
        self._codes = codes
        self._books = opening
        self._second = 0

    def at(self, second: int) -> Books:
        """Give the books at a simulated second, which must not lie before the last one asked."""
        step = self._scenario.check_seconds
        for checked in range(self._second + step, second + 1, step):
            self._check(checked)
            self._second = checked
        return self._books

    def _check(self, second: int) -> None:
        if second % _HOUR_SECONDS == 0:
            self._books = accrue(self._books, self._scenario.annual_percentage)
        marks = prices(self._scenario.course, self._codes, second)
        if needs_liquidation(self._books, marks):
            self._books = liquidate(self._books, marks, second)
