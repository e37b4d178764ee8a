"""The balances of an account: a mapping by currency, kept as columns.

A page has a family for each field, with a line for each currency, so columns are what it is written
from; and tuples of numbers are nothing that the garbage collector has to look through.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


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
        """Give the same balances in the same order."""
        return cls(tuple(balances), Columns(*zip(*balances.values(), strict=True)))

    def __getitem__(self, currency: str) -> Balance:
        """Give the balance of a currency. Raises KeyError if it has none."""
        try:
            index = self.currencies.index(currency)
        except ValueError:
            raise KeyError(currency) from None
        return Balance._make(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[str]:
        """Give the currencies."""
        return iter(self.currencies)

    def __len__(self) -> int:
        """Give how many currencies there are."""
        return len(self.currencies)
