"""Strict parsing of what is the same for all accounts: mark prices, and what borrowing costs.

Source: API documentation, "Get mark price" (prices are in USDT) and "Get provisioning of
borrowing"; field names are quoted as it has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from types import MappingProxyType

from exporter.bitopro.parsing import (
    CURRENCY,
    Fields,
    amount,
    by_currency,
    load_json,
    object_at,
    odd_currencies,
    required,
    status,
    text,
    unknown_fields,
)
from exporter.errors import SchemaError

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
        odd_currencies=frozenset(name for name, _ in odd_currencies(tokens, "tokenPrices")),
    )


def _price(fields: Fields, currency: str, path: str) -> Decimal:
    if text(fields, "currency", CURRENCY, path).upper() != currency:
        raise SchemaError(f"{path}.currency: another currency than that of its key")
    return amount(fields, "price", path)


_TERM_FIELDS = frozenset(
    {
        "currency",
        "maxSystemAmount",
        "maxUserAmount",
        "systemBorrowedAmount",
        "systemAvailableBorrowAmount",
        "borrowStatus",
        "transferStatus",
        "annualInterestPercentage",
    }
)
# More digits than an amount can have, so that a hundredth of one is exact.
_EXACT = Context(prec=128)


@dataclass(frozen=True, slots=True)
class BorrowTerm:
    """Terms of one currency. Amounts are in that currency; 1 % a year is a ratio of 0.01."""

    system_limit_amount: Decimal
    user_limit_amount: Decimal
    system_borrowed_amount: Decimal
    system_available_amount: Decimal
    borrow_status: int
    transfer_status: int
    annual_interest_ratio: Decimal


@dataclass(frozen=True, slots=True)
class BorrowTerms:
    """Terms by upper-case currency, in alphabetical order; the rest is as in a Snapshot."""

    terms: Mapping[str, BorrowTerm]
    unknown_fields: frozenset[str]
    odd_currencies: frozenset[str] = frozenset()


def parse_borrow_terms(body: bytes) -> BorrowTerms:
    """Parse a complete body. Raises JSONError or SchemaError; there is no partial result."""
    answer = object_at(load_json(body), "the answer")
    odd = odd_currencies(answer, "the answer")
    if len(answer) == len(odd):
        # What many a gateway says for "nothing here".
        raise SchemaError("the answer: an object without a currency")
    return BorrowTerms(
        terms=MappingProxyType(
            {
                currency: _read_term(term, currency, name)
                for currency, name, term in by_currency(answer, "the answer")
            }
        ),
        unknown_fields=unknown_fields(
            [object_at(term, "the answer") for term in answer.values()], _TERM_FIELDS
        ),
        odd_currencies=frozenset(name for name, _ in odd),
    )


def _read_term(document: object, currency: str, path: str) -> BorrowTerm:
    fields = object_at(document, path)
    if text(fields, "currency", CURRENCY, path).upper() != currency:
        raise SchemaError(f"{path}.currency: another currency than that of its key")
    return BorrowTerm(
        system_limit_amount=amount(fields, "maxSystemAmount", path),
        user_limit_amount=amount(fields, "maxUserAmount", path),
        system_borrowed_amount=amount(fields, "systemBorrowedAmount", path),
        system_available_amount=amount(fields, "systemAvailableBorrowAmount", path),
        borrow_status=status(fields, "borrowStatus", path),
        transfer_status=status(fields, "transferStatus", path),
        annual_interest_ratio=amount(fields, "annualInterestPercentage", path).scaleb(-2, _EXACT),
    )
