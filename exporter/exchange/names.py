"""Names that the exchange gives: currencies and fields, let through by an allow-list.

What passes can be a label value or a word in a log; what does not is refused, replaced by `?`, or
set aside and named with escapes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from exporter.errors import SchemaError
from exporter.exchange.fields import Fields, object_at

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


def odd_currencies(fields: Fields, path: str) -> Mapping[str, Fields]:
    """Return what stands under names that are no plain codes, by those names in escaped form.

    Exchanges have listed such (`USD\u20ae`, `$WIF`). Raises SchemaError if one holds no object.
    """
    return {
        escaped(name): object_at(value, f"{path}.{escaped(name)}")
        for name, value in fields.items()
        if not CURRENCY.fullmatch(name)
    }


def escaped(name: str) -> str:
    """Return a name of any letters and length in quotes, as some 64 plain characters at most."""
    text = ascii(name[:_MAX_ESCAPED]).replace('"', "'")
    is_whole = len(text) <= _MAX_ESCAPED and len(name) <= _MAX_ESCAPED
    return text if is_whole else f"{text[:_MAX_ESCAPED]}...'"


def unknown_fields(objects: Iterable[Fields], known: AbstractSet[str]) -> frozenset[str]:
    """Give the fields of `objects` that are not `known`: plain identifiers, or else `?`."""
    unknown = {name for each in objects for name in each.keys() - known}
    return frozenset(name if _FIELD.fullmatch(name) else "?" for name in unknown)
