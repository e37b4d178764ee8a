"""Strict reading of JSON from the exchange: one unambiguous value, fields of exactly one form.

Messages hold the path of a field and what was expected, never what it held. Names of currencies
and fields are let through by an allow-list: what passes can be a label value or a word in a log;
what does not is refused, replaced by `?`, or set aside and named with escapes.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from exporter.errors import JSONError, SchemaError

Fields = Mapping[str, object]

_DECIMAL = re.compile(r"[0-9]{1,32}(\.[0-9]{1,32})?", re.ASCII)
# Groups of three throughout, or none at all: 1,000,104.5 or 1000104.5, and never 1,00.
_GROUPED_DECIMAL = re.compile(r"[0-9]{1,3}(,[0-9]{3}){1,10}(\.[0-9]{1,32})?", re.ASCII)
_MAX_STATUS = 2**31 - 1

_TYPE_NAMES: Mapping[type, str] = MappingProxyType(
    {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        type(None): "null",
    }
)


def load_json(body: bytes) -> object:
    """Parse UTF-8 text that is one JSON value. Raises JSONError, also for a key given twice."""
    try:
        return cast(
            "object",
            json.loads(
                body.decode("utf-8"),
                object_pairs_hook=_unique_keys,
                parse_constant=_refuse_constant,
            ),
        )
    except UnicodeDecodeError as error:
        raise JSONError("the body is not UTF-8") from error
    except RecursionError as error:
        raise JSONError("the body is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise JSONError(f"the body is not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:
        # json.loads gives no other type for an integer of thousands of digits.
        raise JSONError("the body holds a number that is too long") from error


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise JSONError("an object holds the same key twice")
    return document


def _refuse_constant(name: str) -> object:
    raise JSONError(f"{name} is not JSON")


def required(fields: Fields, name: str, path: str = "") -> object:
    """Return a field of any type. Raises SchemaError if it is missing."""
    if name not in fields:
        raise SchemaError(f"{_join(path, name)}: missing")
    return fields[name]


def object_at(value: object, path: str) -> dict[str, object]:
    """Return `value`, an object. Raises SchemaError if it is anything else."""
    if not isinstance(value, dict):
        raise SchemaError(f"{path}: an object was expected, not {_type_name(value)}")
    return value


def list_at(value: object, path: str) -> list[object]:
    """Return `value`, a list. Raises SchemaError if it is anything else."""
    if not isinstance(value, list):
        raise SchemaError(f"{path}: a list was expected, not {_type_name(value)}")
    return value


def amount(fields: Fields, name: str, path: str = "") -> Decimal:
    """Return exactly the decimal of a string of digits, of bounded length and without sign.

    Raises SchemaError for anything else, numbers of JSON included: they have no exact decimal.
    """
    value = _decimal_text(fields, name, path)
    if not _DECIMAL.fullmatch(value):
        raise SchemaError(f"{_join(path, name)}: the string is not a plain, unsigned decimal")
    return Decimal(value)


def grouped_amount(fields: Fields, name: str, path: str = "") -> Decimal:
    """Return the decimal of a string like `amount`'s, or of one with commas between thousands.

    Raises SchemaError for anything else, also for commas in other places.
    """
    value = _decimal_text(fields, name, path)
    if not (_DECIMAL.fullmatch(value) or _GROUPED_DECIMAL.fullmatch(value)):
        raise SchemaError(
            f"{_join(path, name)}: the string is not an unsigned decimal, plain or in thousands"
        )
    return Decimal(value.replace(",", ""))


def _decimal_text(fields: Fields, name: str, path: str) -> str:
    value = required(fields, name, path)
    if not isinstance(value, str):
        raise SchemaError(
            f"{_join(path, name)}: a decimal string was expected, not {_type_name(value)}"
        )
    return value


def status(fields: Fields, name: str, path: str = "") -> int:
    """Return an integer of 32 bits. Raises SchemaError for anything else."""
    value = _integer(fields, name, path)
    if abs(value) > _MAX_STATUS:
        raise SchemaError(f"{_join(path, name)}: the integer is too large for a status")
    return value


def integer_within(fields: Fields, name: str, path: str, lowest: int, highest: int) -> int:
    """Return an integer from `lowest` to `highest`. Raises SchemaError for anything else."""
    value = _integer(fields, name, path)
    if not lowest <= value <= highest:
        raise SchemaError(f"{_join(path, name)}: the integer is outside of what is plausible")
    return value


def _integer(fields: Fields, name: str, path: str) -> int:
    value = required(fields, name, path)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SchemaError(f"{_join(path, name)}: an integer was expected, not {_type_name(value)}")
    return value


def text(fields: Fields, name: str, allowed: re.Pattern[str], path: str = "") -> str:
    """Return a string that `allowed` matches as a whole. Raises SchemaError for anything else."""
    value = required(fields, name, path)
    if not isinstance(value, str):
        raise SchemaError(f"{_join(path, name)}: a string was expected, not {_type_name(value)}")
    if not allowed.fullmatch(value):
        raise SchemaError(
            f"{_join(path, name)}: the string holds characters or a length that are not allowed"
        )
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _type_name(value: object) -> str:
    return _TYPE_NAMES[type(value)]


MAX_CURRENCIES = 500

CURRENCY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
_MAX_ESCAPED = 64
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def by_currency(fields: Fields, path: str) -> Iterator[tuple[str, str, object]]:
    """Yield upper-case currency, name as written and value of each plain code, sorted.

    Raises SchemaError for too many, and for one that is there twice in different case.
    """
    if len(fields) > MAX_CURRENCIES:
        raise SchemaError(f"{path}: {len(fields)} currencies, at most {MAX_CURRENCIES} fit")
    seen: set[str] = set()
    for name, value in sorted(fields.items(), key=lambda item: (item[0].upper(), item[0])):
        if not CURRENCY.fullmatch(name):
            continue
        currency = name.upper()
        if currency in seen:
            raise SchemaError(f"{path}: {currency} is there twice, in different case")
        seen.add(currency)
        yield currency, name, value


def odd_currencies(fields: Fields, path: str) -> Sequence[tuple[str, Fields]]:
    """Return each name that is no plain code, in escaped form, and what stands under it.

    Long names may be equal in that form, so it is no key.
    Exchanges have listed such (`USD\u20ae`, `$WIF`). Raises SchemaError if one holds no object.
    """
    return [
        (escaped(name), object_at(value, f"{path}.{escaped(name)}"))
        for name, value in fields.items()
        if not CURRENCY.fullmatch(name)
    ]


def escaped(name: str) -> str:
    """Return a name of any letters and length in quotes, as some 64 plain characters at most."""
    text = ascii(name[:_MAX_ESCAPED]).replace('"', "'")
    is_whole = len(text) <= _MAX_ESCAPED and len(name) <= _MAX_ESCAPED
    return text if is_whole else f"{text[:_MAX_ESCAPED]}...'"


def unknown_fields(objects: Iterable[Fields], known: AbstractSet[str]) -> frozenset[str]:
    """Return the fields of `objects` that are not `known`: plain identifiers, or else `?`."""
    unknown = {name for each in objects for name in each.keys() - known}
    return frozenset(name if _FIELD.fullmatch(name) else "?" for name in unknown)
