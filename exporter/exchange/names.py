"""Names that the exchange gives: currencies and fields, let through by an allow-list.

What passes can be a label value or a word in a log; what does not is refused, or replaced by `?`.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from exporter.errors import SchemaError
from exporter.exchange.fields import Fields

MAX_CURRENCIES = 500

CURRENCY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def by_currency(fields: Fields, path: str) -> Iterator[tuple[str, str, object]]:
    """Give upper-case currency, name as written and value of each, in alphabetical order.

    Raises SchemaError for too many, for a name that is not a plain code, and for one that is there
    twice in different case.
    """
    if len(fields) > MAX_CURRENCIES:
        raise SchemaError(f"{path}: {len(fields)} currencies, at most {MAX_CURRENCIES} fit")
    seen: set[str] = set()
    for name, value in sorted(fields.items(), key=lambda item: (item[0].upper(), item[0])):
        if not CURRENCY.fullmatch(name):
            raise SchemaError(f"{path}: a currency's name is not a plain code")
        currency = name.upper()
        if currency in seen:
            raise SchemaError(f"{path}: {currency} is there twice, in different case")
        seen.add(currency)
        yield currency, name, value


def unknown_fields(objects: Iterable[Fields], known: AbstractSet[str]) -> frozenset[str]:
    """Give the fields of `objects` that are not `known`: plain identifiers, or else `?`."""
    unknown = {name for each in objects for name in each.keys() - known}
    return frozenset(name if _FIELD.fullmatch(name) else "?" for name in unknown)
