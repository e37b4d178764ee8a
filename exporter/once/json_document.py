"""What a look at each account found, as one JSON document for programs.

Decimals are strings, for numbers of JSON are mostly read as binary fractions. What the exchange
said is exact, what was computed from it has 28 digits. What is not known is null.
"""

import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from decimal import Context, Decimal

from exporter.exchange.balances import Balance
from exporter.once.look import Look

_DIGITS = Context(prec=28)


def document(looks: Iterable[Look]) -> str:
    """Give the document, `accounts` in the order of the configuration."""
    return json.dumps({"accounts": [_account(look) for look in looks]}, indent=2) + "\n"


def _account(look: Look) -> Mapping[str, object]:
    thresholds = look.account.thresholds
    levels = thresholds.by_level()
    snapshot = _plain(look.snapshot)
    if isinstance(snapshot, dict) and not look.account.shows_id:
        snapshot["account_id"] = None
    return {
        "account": look.account.name,
        "timestamp_seconds": look.timestamp_seconds,
        "error": _plain(look.failure),
        "missing": _plain(look.lacks),
        "thresholds": {name: str(ratio) for name, ratio in levels.items()},
        "assumed_thresholds": [name for name in levels if name not in thresholds.chosen],
        "snapshot": snapshot,
        "mark_prices": _plain(look.prices),
        "annual_interest_ratios": _plain(look.annual_ratios),
        "risk": _plain(look.risk, _DIGITS),
    }


def _plain(value: object, digits: Context | None = None) -> object:
    """Give a value of ours as JSON has it; `digits` rounds decimals."""
    if isinstance(value, Decimal):
        rounded = value if digits is None else digits.create_decimal(value)
        return f"{rounded:f}"
    if isinstance(value, Balance):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(name): _plain(each, digits) for name, each in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return [_plain(each, digits) for each in value]
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), digits) for each in fields(value)}
    return value
