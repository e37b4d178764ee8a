"""All that this program can ask the exchange: a closed table, read only.

Beside the balances, for which it exists, everything is optional: documented, but not sure to be
enabled for a key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.liquidations import Liquidations, parse_liquidations
from exporter.bitopro.market import BorrowTerms, MarkPrices, parse_borrow_terms, parse_mark_prices

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T_co]):
    """One row. `name` is a label value; `path` follows the base URL.

    Without `interval_seconds` it is asked once in a poll interval. What it says is about the key's
    account, or else about the exchange: then one answer does for all accounts.
    """

    name: str
    path: str
    interval_seconds: float | None
    is_of_account: bool
    parse: Callable[[bytes], T_co]


BALANCES: Endpoint[Snapshot] = Endpoint(
    "balances", "/margin/balances", None, is_of_account=True, parse=parse_snapshot
)
MARK_PRICE: Endpoint[MarkPrices] = Endpoint(
    "mark-price", "/margin/mark-price", None, is_of_account=False, parse=parse_mark_prices
)
USER_LIQUIDATIONS: Endpoint[Liquidations] = Endpoint(
    "user-liquidations",
    "/margin/user-liquidations",
    60.0,
    is_of_account=True,
    parse=parse_liquidations,
)
BORROW_TERMS: Endpoint[BorrowTerms] = Endpoint(
    "provisioning/borrow",
    "/margin/provisioning/borrow",
    300.0,
    is_of_account=False,
    parse=parse_borrow_terms,
)

# What each of them may bring.
OptionalResponse = MarkPrices | BorrowTerms | Liquidations

OPTIONAL_ENDPOINTS: tuple[Endpoint[OptionalResponse], ...] = (
    MARK_PRICE,
    USER_LIQUIDATIONS,
    BORROW_TERMS,
)
PATHS: frozenset[str] = frozenset(each.path for each in (BALANCES, *OPTIONAL_ENDPOINTS))
