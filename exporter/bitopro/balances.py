"""Strict parsing of the answer to `GET /margin/balances` into one frozen value.

The exchange's text is data: an amount is accepted only as a plain ASCII decimal of bounded
length, a name only if it passes an allow-list, an object only without duplicate keys. What is used
must be exactly as documented; what is additional is tolerated and reported by name.

Balances are kept as columns: a page has a family for each field, with a line for each currency,
and tuples of numbers are nothing that the garbage collector has to look through.

Source: API documentation, "Get margin balances"; field names are quoted below as the API has them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

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


class Balance(NamedTuple):
    """One currency of an account. Amounts are in that currency."""

    available_amount: Decimal
    traded_amount: Decimal
    borrow_amount: Decimal
    borrow_interest_amount: Decimal
    borrow_status: int
    transfer_status: int
    total_amount: Decimal


class Columns(NamedTuple):
    """The fields of `Balance`, each with the values of all currencies."""

    available_amount: tuple[Decimal, ...] = ()
    traded_amount: tuple[Decimal, ...] = ()
    borrow_amount: tuple[Decimal, ...] = ()
    borrow_interest_amount: tuple[Decimal, ...] = ()
    borrow_status: tuple[int, ...] = ()
    transfer_status: tuple[int, ...] = ()
    total_amount: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Balances(Mapping[str, Balance]):
    """Balances by upper-case currency. Columns have as many values as there are `currencies`."""

    currencies: tuple[str, ...]
    columns: Columns

    @classmethod
    def of(cls, balances: Mapping[str, Balance]) -> "Balances":
        """Return the same balances in the same order."""
        return cls(tuple(balances), Columns(*zip(*balances.values(), strict=True)))

    def __getitem__(self, currency: str) -> Balance:
        """Return the balance of a currency. Raises KeyError if it has none."""
        try:
            index = self.currencies.index(currency)
        except ValueError:
            raise KeyError(currency) from None
        return Balance._make(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[str]:
        """Return the currencies."""
        return iter(self.currencies)

    def __len__(self) -> int:
        """Return how many currencies there are."""
        return len(self.currencies)


_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .:/-]{0,63}", re.ASCII)

_ACCOUNT_FIELDS = frozenset(
    {
        "adRatio",
        "adRatioLabel",
        "accountID",
        "accountStatus",
        "marginStatus",
        "balances",
        "calculateUnit",
        "totalAssetAmount",
        "totalDebtAmount",
    }
)
_BALANCE_FIELDS = frozenset(
    {
        "availableAmount",
        "tradedAmount",
        "borrowAmount",
        "borrowInterestAmount",
        "borrowStatus",
        "transferStatus",
        "totalAmount",
    }
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one successful poll found. Totals are in `unit`.

    `ad_ratio` and `ad_ratio_label` are None only without debt, when a ratio means nothing.
    `balances` are in alphabetical order of currencies. `unknown_fields` holds the
    names of fields that are not documented, where they are plain identifiers, else `?`;
    `odd_currencies` the escaped names of currencies that were set aside, all of them empty.
    """

    ad_ratio: Decimal | None
    ad_ratio_label: str | None
    account_id: str
    account_status: int
    margin_status: int
    unit: str
    total_asset_amount: Decimal
    total_debt_amount: Decimal
    balances: Balances
    unknown_fields: frozenset[str]
    odd_currencies: frozenset[str] = frozenset()


def parse_snapshot(body: bytes) -> Snapshot:
    """Parse a complete body.

    Raises JSONError if it is not one unambiguous JSON value in UTF-8, and SchemaError, with the
    path of the field, if it is not the documented answer. There is no partial result.
    """
    return _read_account(load_json(body))


def _read_account(document: object) -> Snapshot:
    fields = object_at(document, "the answer")
    total_debt_amount = amount(fields, "totalDebtAmount")
    has_debt = total_debt_amount != 0
    balances = object_at(required(fields, "balances"), "balances")
    return Snapshot(
        ad_ratio=_ad_ratio(fields, has_debt=has_debt),
        ad_ratio_label=_ad_ratio_label(fields, has_debt=has_debt),
        account_id=text(fields, "accountID", _ACCOUNT_ID),
        account_status=status(fields, "accountStatus"),
        margin_status=status(fields, "marginStatus"),
        unit=text(fields, "calculateUnit", CURRENCY).upper(),
        total_asset_amount=amount(fields, "totalAssetAmount"),
        total_debt_amount=total_debt_amount,
        balances=_read_balances(balances),
        unknown_fields=_unknown_fields(fields, balances),
        odd_currencies=_empty_odd_currencies(balances),
    )


def _empty_odd_currencies(balances: Fields) -> frozenset[str]:
    """Name the currencies that are set aside. Raises SchemaError if one of them is not empty.

    Without its amounts, what is summed over currencies would be wrong.
    """
    odd = odd_currencies(balances, "balances")
    for name, fields in odd:
        balance = _read_balance(fields, f"balances.{name}")
        if any(amount for amount in balance if isinstance(amount, Decimal)):
            raise SchemaError(
                f"balances: the currency {name} has amounts, and its name is not a plain code"
            )
    return frozenset(name for name, _ in odd)


def _read_balances(balances: Fields) -> Balances:
    return Balances.of(
        {
            currency: _read_balance(document, f"balances.{name}")
            for currency, name, document in by_currency(balances, "balances")
        }
    )


def _read_balance(document: object, path: str) -> Balance:
    fields = object_at(document, path)
    return Balance(
        available_amount=amount(fields, "availableAmount", path),
        traded_amount=amount(fields, "tradedAmount", path),
        borrow_amount=amount(fields, "borrowAmount", path),
        borrow_interest_amount=amount(fields, "borrowInterestAmount", path),
        borrow_status=status(fields, "borrowStatus", path),
        transfer_status=status(fields, "transferStatus", path),
        total_amount=amount(fields, "totalAmount", path),
    )


def _ad_ratio(fields: Fields, *, has_debt: bool) -> Decimal | None:
    """Read `adRatio`; what it holds without debt is documented nowhere, so anything plain goes."""
    if has_debt:
        return amount(fields, "adRatio")
    if required(fields, "adRatio") not in (None, ""):
        amount(fields, "adRatio")
    return None


def _ad_ratio_label(fields: Fields, *, has_debt: bool) -> str | None:
    if not has_debt and required(fields, "adRatioLabel") in (None, ""):
        return None
    return text(fields, "adRatioLabel", _LABEL)


def _unknown_fields(fields: Fields, balances: Fields) -> frozenset[str]:
    objects = [object_at(balance, "balances") for balance in balances.values()]
    return unknown_fields([fields], _ACCOUNT_FIELDS) | unknown_fields(objects, _BALANCE_FIELDS)
