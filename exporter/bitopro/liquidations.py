"""Strict parsing of the answer to `GET /margin/user-liquidations`: what was taken by force.

Only what is used is read: the ratio after a liquidation that left no debt may be written in any
way. Source: API documentation, "Get user liquidations"; amounts may have commas between thousands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from exporter.bitopro.parsing import (
    CURRENCY,
    Fields,
    grouped_amount,
    integer_within,
    list_at,
    load_json,
    object_at,
    required,
    status,
    text,
    unknown_fields,
)
from exporter.errors import SchemaError

FINISHED = 2

_ANSWER_FIELDS = frozenset({"liquidations", "liquidationsAmount"})
_ROW_FIELDS = frozenset(
    {
        "serial",
        "debtCurrency",
        "debtAmount",
        "assetCurrency",
        "assetAmount",
        "feeAmount",
        "adRatio",
        "afterAdRatio",
        "status",
        "type",
        "finishTimestamp",
    }
)
# What floating point, and so every reader of JSON, still tells apart.
_MAX_COUNT = 2**53 - 1
# Seconds: 2017, before the exchange was, and 2100. Milliseconds are far outside.
_EARLIEST_SECONDS, _LATEST_SECONDS = 1_483_228_800, 4_102_444_800


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One finished liquidation. Amounts are in the currency beside them; without asset, both None.

    `type` is 1 for a repayment and 2 for a forced sale, as far as documented.
    """

    serial: int
    type: int
    debt_currency: str
    debt_amount: Decimal
    asset_currency: str | None
    asset_amount: Decimal | None
    finish_timestamp_seconds: int


@dataclass(frozen=True, slots=True)
class Liquidations:
    """The finished ones by serial, and the status of each unfinished one by serial.

    `is_complete` says whether as many are listed as there are said to be.
    """

    finished: Mapping[int, Liquidation]
    unfinished: Mapping[int, int]
    is_complete: bool
    unknown_fields: frozenset[str]


def parse_liquidations(body: bytes) -> Liquidations:
    """Parse a complete body. Raises JSONError or SchemaError; there is no partial result."""
    answer = object_at(load_json(body), "the answer")
    count = integer_within(answer, "liquidationsAmount", "", 0, _MAX_COUNT)
    listed = required(answer, "liquidations")
    documents = [] if listed is None and count == 0 else list_at(listed, "liquidations")
    rows = [object_at(row, f"liquidations[{number}]") for number, row in enumerate(documents)]
    if count < len(rows):
        raise SchemaError("liquidationsAmount: less than the liquidations that are listed")
    finished: dict[int, Liquidation] = {}
    unfinished: dict[int, int] = {}
    for number, row in enumerate(rows):
        path = f"liquidations[{number}]"
        serial = integer_within(row, "serial", path, 0, _MAX_COUNT)
        if serial in finished or serial in unfinished:
            raise SchemaError(f"{path}.serial: is there twice")
        state = status(row, "status", path)
        if state == FINISHED:
            finished[serial] = _read_finished(row, serial, path)
        else:
            unfinished[serial] = state
    return Liquidations(
        finished=MappingProxyType(finished),
        unfinished=MappingProxyType(unfinished),
        is_complete=count == len(rows),
        unknown_fields=(
            unknown_fields([answer], _ANSWER_FIELDS) | unknown_fields(rows, _ROW_FIELDS)
        ),
    )


def _read_finished(row: Fields, serial: int, path: str) -> Liquidation:
    has_asset = row.get("assetCurrency") not in (None, "")
    return Liquidation(
        serial=serial,
        type=status(row, "type", path),
        debt_currency=text(row, "debtCurrency", CURRENCY, path).upper(),
        debt_amount=grouped_amount(row, "debtAmount", path),
        asset_currency=text(row, "assetCurrency", CURRENCY, path).upper() if has_asset else None,
        asset_amount=grouped_amount(row, "assetAmount", path) if has_asset else None,
        finish_timestamp_seconds=integer_within(
            row, "finishTimestamp", path, _EARLIEST_SECONDS, _LATEST_SECONDS
        ),
    )
