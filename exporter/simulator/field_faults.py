"""Faults of the fields: every documented one missing, null, or of another type."""

from collections.abc import Callable

from exporter.simulator.damage import first_balance, first_currency, in_document
from exporter.simulator.documents import Document
from exporter.simulator.fault import Fault

_Holder = Callable[[Document], Document]

_ACCOUNT_AMOUNTS = ("adRatio", "totalAssetAmount", "totalDebtAmount")
_ACCOUNT_TEXTS = ("adRatioLabel", "accountID", "calculateUnit")
_ACCOUNT_STATUSES = ("accountStatus", "marginStatus")
_BALANCE_AMOUNTS = (
    "availableAmount",
    "tradedAmount",
    "borrowAmount",
    "borrowInterestAmount",
    "totalAmount",
)
_BALANCE_STATUSES = ("borrowStatus", "transferStatus")


def _account(document: Document) -> Document:
    return document


# Which object holds a field, and the field.
_AMOUNTS: tuple[tuple[_Holder, str], ...] = (
    *((_account, field) for field in _ACCOUNT_AMOUNTS),
    *((first_balance, field) for field in _BALANCE_AMOUNTS),
)
_STRINGS = (*_AMOUNTS, *((_account, field) for field in _ACCOUNT_TEXTS))
_STATUSES: tuple[tuple[_Holder, str], ...] = (
    *((_account, field) for field in _ACCOUNT_STATUSES),
    *((first_balance, field) for field in _BALANCE_STATUSES),
)
_FIELDS = (*_STRINGS, *_STATUSES, (_account, "balances"))


def _missing(holder: _Holder, field: str) -> Fault:
    return Fault(
        f"missing-{field}",
        f"{field} is missing",
        "answer",
        in_document(lambda document: holder(document).pop(field)),
    )


def _set(name: str, words: str, holder: _Holder, field: str, value: object) -> Fault:
    return Fault(
        f"{name}-{field}",
        f"{field} is {words}",
        "answer",
        in_document(lambda document: holder(document).update({field: value})),
    )


def _first_balance_is(name: str, words: str, value: object) -> Fault:
    return Fault(
        f"{name}-balance",
        f"a balance is {words}",
        "answer",
        in_document(
            lambda document: document["balances"].update({first_currency(document): value})
        ),
    )


FIELD_FAULTS = (
    *(_missing(holder, field) for holder, field in _FIELDS),
    *(_set("null", "null", holder, field, None) for holder, field in _FIELDS),
    *(
        _set("number", "a number and not a string", holder, field, 1.5)
        for holder, field in _STRINGS
    ),
    *(_set("list", "a list and not a string", holder, field, ["1"]) for holder, field in _STRINGS),
    *(_set("string", "a string", holder, field, "1") for holder, field in _STATUSES),
    *(_set("bool", "true", holder, field, value=True) for holder, field in _STATUSES),
    *(_set("float", "1.0", holder, field, 1.0) for holder, field in _STATUSES),
    _set("list", "a list", _account, "balances", []),
    _set("string", "a string", _account, "balances", "{}"),
    _first_balance_is("null", "null", None),
    _first_balance_is("list", "a list", []),
    _first_balance_is("string", "a string", "1.00000000"),
    _first_balance_is("empty", "an empty object", {}),
)

NEGATIVE_FAULTS = tuple(
    _set("negative", "negative", holder, field, "-1.00000000") for holder, field in _AMOUNTS
)
