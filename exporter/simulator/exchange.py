"""The healthy exchange: from a request to its answer."""

from collections.abc import Callable

from exporter.simulator.auth import Authenticator, RefusedError
from exporter.simulator.books import Ledger, opening_books
from exporter.simulator.config import SimulatorConfig
from exporter.simulator.documents import (
    Document,
    balances_document,
    borrow_document,
    documented_borrow_document,
    liquidations_document,
    mark_price_document,
)
from exporter.simulator.market import SCENARIO_TABLE, currencies, prices
from exporter.simulator.messages import Answer, Request, json_answer

BALANCES_PATH = "/v3/margin/balances"
_MARK_PRICE_PATH = "/v3/margin/mark-price"
_BORROW_PATH = "/v3/margin/provisioning/borrow"
_LIQUIDATIONS_PATH = "/v3/margin/user-liquidations"
PATHS = frozenset({BALANCES_PATH, _MARK_PRICE_PATH, _BORROW_PATH, _LIQUIDATIONS_PATH})

_DOCUMENTED_CODES = ("BTC", "ETH", "USDT")


class Endpoints:
    """The accounts of one scenario, opened when they are first asked for.

    `started` is the wall clock (unix seconds) at simulated second 0.
    """

    def __init__(self, config: SimulatorConfig, started: float) -> None:
        self._scenario = SCENARIO_TABLE[config.scenario]
        self._codes = (
            _DOCUMENTED_CODES
            if self._scenario.course == "documented"
            else currencies(config.currencies)
        )
        self._speed = config.speed
        self._started = started
        self._first_account_id = config.account_id
        self._ledgers: dict[str, Ledger] = {}
        # API key -> number of the account.
        self.keys = {
            config.key: 0,
            **{f"{config.key}-{number}": number for number in range(1, config.accounts + 1)},
        }

    def document(self, path: str, key: str, elapsed_seconds: float) -> Document:
        """Answer one of PATHS for one of `keys`, so many real seconds after the start."""
        second = 0 if self._scenario.frozen else int(elapsed_seconds * self._speed)
        marks = prices(self._scenario.course, self._codes, second)
        if path == _MARK_PRICE_PATH:
            return mark_price_document(marks)
        if path == _BORROW_PATH and self._scenario.course == "documented":
            return documented_borrow_document()
        if path == _BORROW_PATH:
            return borrow_document(marks, self._scenario.annual_percentage)
        books = self._ledger(key).at(second)
        if path == _LIQUIDATIONS_PATH:
            return liquidations_document(books.liquidations, self._started, self._speed)
        return balances_document(books, marks)

    def _ledger(self, key: str) -> Ledger:
        if key not in self._ledgers:
            opening = opening_books(
                self._scenario, self.keys[key], self._codes, self._first_account_id
            )
            self._ledgers[key] = Ledger(self._scenario, self._codes, opening)
        return self._ledgers[key]


class Exchange:
    """Authenticator and endpoints behind one question, on the clocks of the simulator."""

    def __init__(
        self,
        config: SimulatorConfig,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._started = monotonic()
        self._endpoints = Endpoints(config, wall())
        self._authenticator = Authenticator(
            self._endpoints.keys, config.secret, config.email, config.rate_limit, wall, monotonic
        )

    def answer(self, request: Request, host: str) -> Answer:
        """Return the good answer to a client host. Raises RefusedError."""
        self._authenticator.admit(host)
        if request.path not in PATHS:
            raise RefusedError(404, "Not found")
        if request.method != "GET":
            raise RefusedError(405, "Method not allowed")
        key = self._authenticator.authenticate(request.headers)
        elapsed_seconds = self._monotonic() - self._started
        document = self._endpoints.document(request.path, key, elapsed_seconds)
        return json_answer(200, document, self._wall())

    def refusal(self, status: int, text: str) -> Answer:
        """Return the answer to a request that is refused."""
        return json_answer(status, {"error": text}, self._wall())
