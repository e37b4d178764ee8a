"""Strict parsing of the answer to `GET /margin/mark-price`: what the exchange values assets at.

Source: API documentation, "Get mark price"; prices are in USDT.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from exporter.errors import SchemaError
from exporter.exchange.fields import Fields, amount, load_json, object_at, required, text
from exporter.exchange.names import CURRENCY, by_currency, odd_currencies, unknown_fields

PRICE_UNIT = "USDT"

_ANSWER_FIELDS = frozenset({"tokenPrices"})
_PRICE_FIELDS = frozenset({"currency", "price"})


@dataclass(frozen=True, slots=True)
class MarkPrices:
    """Prices in PRICE_UNIT by upper-case currency, in alphabetical order.

    A price of zero is no price, and is left out. `unknown_fields` and
    `odd_currencies` are those of a Snapshot.
    """

    prices: Mapping[str, Decimal]
    unknown_fields: frozenset[str]
    odd_currencies: frozenset[str] = frozenset()


def parse_mark_prices(body: bytes) -> MarkPrices:
    """Parse a complete body. Raises JSONError or SchemaError; there is no partial result."""
    answer = object_at(load_json(body), "the answer")
    tokens = object_at(required(answer, "tokenPrices"), "tokenPrices")
    prices = {
        currency: _price(object_at(token, f"tokenPrices.{name}"), currency, f"tokenPrices.{name}")
        for currency, name, token in by_currency(tokens, "tokenPrices")
    }
    objects = [object_at(token, "tokenPrices") for token in tokens.values()]
    return MarkPrices(
        prices=MappingProxyType({name: price for name, price in prices.items() if price}),
        unknown_fields=(
            unknown_fields([answer], _ANSWER_FIELDS) | unknown_fields(objects, _PRICE_FIELDS)
        ),
        odd_currencies=frozenset(odd_currencies(tokens, "tokenPrices")),
    )


def _price(fields: Fields, currency: str, path: str) -> Decimal:
    if text(fields, "currency", CURRENCY, path).upper() != currency:
        raise SchemaError(f"{path}.currency: another currency than that of its key")
    return amount(fields, "price", path)
