"""The forms in which `once` prints what it found, and what it says of failures."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from exporter.advice import ADVICE
from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.once.form import Form
from exporter.once.json_document import document
from exporter.once.table import table
from exporter.once.visits import Visit


def printed(visits: Sequence[Visit], form: Form, *, is_coloured: bool) -> str:
    """Give the text to print."""
    return _FORMS[form](visits, is_coloured)


def failures(visits: Sequence[Visit]) -> Sequence[str]:
    """Say of each account that gave no answer why, and what to do."""
    return [
        f"account {look.account.name}: no answer: {look.failure.reason}: {look.failure.message}; "
        f"{ADVICE[look.failure.reason].do}"
        for look in (each.look for each in visits)
        if look.failure is not None
    ]


def is_colour_wanted() -> bool:
    """Tell whether standard output is a terminal whose user does not mind (no-color.org)."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout is not None and sys.stdout.isatty() and not is_plain


def _table(visits: Sequence[Visit], is_coloured: bool) -> str:  # noqa: FBT001 - see _FORMS
    return table([each.look for each in visits], is_coloured=is_coloured)


def _json(visits: Sequence[Visit], _: object) -> str:
    return document([each.look for each in visits])


def _prom(visits: Sequence[Visit], _: object) -> str:
    """Give the page without what it says of the process, which has ended when that is read."""
    exposition = Exposition(lambda: float("-inf"))
    for each in visits:
        exposition.put(each.state)
    markets = {each.state.account.base_url: each.market for each in visits}
    if len(markets) == 1:
        # Prices are of no account: those of two exchanges would be mixed.
        exposition.put_market(*markets.values())
    return exposition.page(Format.TEXT).decode()


_FORMS: Mapping[Form, Callable[[Sequence[Visit], bool], str]] = MappingProxyType(
    {Form.TABLE: _table, Form.JSON: _json, Form.PROM: _prom}
)
