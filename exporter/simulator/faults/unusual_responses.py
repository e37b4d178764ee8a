"""Answers that look odd and are right: a correct client accepts every one of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime

from exporter.simulator.documents import Document
from exporter.simulator.faults.cached import dated
from exporter.simulator.faults.fault import (
    Fault,
    InAnswer,
    first_balance,
    first_currency,
    in_body,
    in_document,
)
from exporter.simulator.messages import Answer

_ZERO = "0.00000000"
_UNKNOWN_STATUS = 9
_MOST_CURRENCIES = 500
_TWD_PER_USDT = Decimal("32.5")


def _odd(name: str, summary: str, change: Callable[[Document], object]) -> Fault:
    return Fault(name, summary, "answer", in_document(change), accepted=True)


def _unknown_statuses(document: Document) -> None:
    document["accountStatus"] = document["marginStatus"] = _UNKNOWN_STATUS
    first_balance(document)["borrowStatus"] = _UNKNOWN_STATUS
    first_balance(document)["transferStatus"] = _UNKNOWN_STATUS


def _currency_appears(document: Document) -> None:
    # Worth less than the last decimal of the totals, so the books still add up.
    dust = "0.00000001"
    document["balances"]["DUST"] = {
        "availableAmount": dust,
        "tradedAmount": _ZERO,
        "borrowAmount": _ZERO,
        "borrowInterestAmount": _ZERO,
        "borrowStatus": 0,
        "transferStatus": 2,
        "totalAmount": dust,
    }


def _odd_currency(name: str) -> Callable[[Document], object]:
    """Add an empty currency whose name is no plain code, as exchanges have listed some."""
    empty = {
        "availableAmount": _ZERO,
        "tradedAmount": _ZERO,
        "borrowAmount": _ZERO,
        "borrowInterestAmount": _ZERO,
        "borrowStatus": 0,
        "transferStatus": 1,
        "totalAmount": _ZERO,
    }
    return lambda document: document["balances"].update({name: empty})


def _one_currency(document: Document) -> None:
    document["balances"] = {first_currency(document): first_balance(document)}


def _most_currencies(document: Document) -> None:
    document["balances"] = {
        f"TOKEN{number}": first_balance(document) for number in range(_MOST_CURRENCIES)
    }


def _lower_case(document: Document) -> None:
    document["balances"] = {code.lower(): one for code, one in document["balances"].items()}


def _ratio_falls(document: Document) -> None:
    document.update(
        adRatio="0.01", totalAssetAmount="1000.00000000", totalDebtAmount="90000.00000000"
    )


def _in_twd(document: Document) -> None:
    document["calculateUnit"] = "TWD"
    for field in ("totalAssetAmount", "totalDebtAmount"):
        document[field] = f"{Decimal(document[field]) * _TWD_PER_USDT:.8f}"


def _without_debt(ratio: str | None) -> Callable[[Document], object]:
    def change(document: Document) -> None:
        document.update(adRatio=ratio, totalDebtAmount=_ZERO)
        for balance in document["balances"].values():
            balance.update(borrowAmount=_ZERO, borrowInterestAmount=_ZERO)

    return change


def _empty_account(document: Document) -> None:
    document.update(adRatio="0", balances={}, totalAssetAmount=_ZERO, totalDebtAmount=_ZERO)


def _eighteen_decimals(document: Document) -> None:
    balance = first_balance(document)
    for field in ("availableAmount", "tradedAmount", "totalAmount"):
        balance[field] += "0" * 10


def _whole_numbers(document: Document) -> None:
    first_balance(document).update(availableAmount="10", tradedAmount="0", totalAmount="10")


def _indented(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=4).encode() + b"\n"


def _escaped(body: bytes) -> bytes:
    return body.replace(b'"adRatio"', rb'"\u0061dRatio"')


def _an_hour_ahead(date: str) -> tuple[str, ...]:
    return (format_datetime(parsedate_to_datetime(date) + timedelta(hours=1), usegmt=True),)


def _closing(good: Answer) -> Answer:
    return replace(good, headers=(*good.headers, ("Connection", "close")))


UNUSUAL_RESPONSES = (
    _odd("additional-field", "an unknown field", lambda d: d.update(marginLevel="3")),
    _odd("additional-object", "an unknown object", lambda d: d.update(vip={"level": [1]})),
    _odd(
        "additional-balance-field",
        "an unknown field in a balance",
        lambda d: first_balance(d).update(frozenAmount=_ZERO),
    ),
    _odd(
        "additional-field-odd-name",
        "an unknown field, its name with a line break and markup",
        lambda d: d.update({"<b>\nlevel=error": 1}),
    ),
    _odd(
        "label-unknown",
        "a label never seen before",
        lambda d: d.update(adRatioLabel="LIQUIDATION_WARNING"),
    ),
    _odd("statuses-unknown", "statuses never seen before", _unknown_statuses),
    _odd("currency-appears", "one more currency", _currency_appears),
    _odd(
        "odd-currency-chinese",
        "an empty currency in Chinese",
        _odd_currency("\u5e01\u5b89\u4eba\u751f"),
    ),
    _odd("odd-currency-sign", "an empty currency with a sign", _odd_currency("USD\u20ae")),
    _odd("odd-currency-dollar", "an empty currency with a dollar sign", _odd_currency("$WIF")),
    _odd("currencies-disappear", "all currencies but one are gone", _one_currency),
    _odd("no-currencies", "an empty account", _empty_account),
    _odd("currencies-500", "500 currencies", _most_currencies),
    _odd("currencies-in-lower-case", "currency codes in small letters", _lower_case),
    _odd(
        "ad-ratio-contradicts",
        "the ratio is not the totals' ratio",
        lambda d: d.update(adRatio="9.99"),
    ),
    _odd("ratio-falls", "the ratio is suddenly 0.01", _ratio_falls),
    _odd("unit-changes", "totals in TWD", _in_twd),
    _odd("no-debt-ratio-empty", "no debt, the ratio is empty", _without_debt("")),
    _odd("no-debt-ratio-zero", "no debt, the ratio is 0", _without_debt("0")),
    _odd("no-debt-ratio-999", "no debt, the ratio is 999", _without_debt("999")),
    _odd("no-debt-ratio-null", "no debt, the ratio is null", _without_debt(None)),
    _odd("eighteen-decimals", "amounts with eighteen decimals", _eighteen_decimals),
    _odd("whole-numbers", "amounts without decimals", _whole_numbers),
    Fault(
        "json-indented", "the JSON with line breaks", "answer", in_body(_indented), accepted=True
    ),
    Fault(
        "json-escaped", "a field name with an escape", "answer", in_body(_escaped), accepted=True
    ),
    Fault("connection-close", "Connection: close", "connection", InAnswer(_closing), accepted=True),
    Fault("date-ahead", "a Date an hour ahead", "connection", dated(_an_hour_ahead), accepted=True),
)
