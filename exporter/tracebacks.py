"""Tracebacks that are fit for a log: where it happened and what, but not the values involved.

Messages of exceptions other than ours may quote whatever they met, a signed header for one.
"""

import traceback
from collections.abc import Iterator

from exporter.errors import ExporterError


def traceback_text(error: BaseException | None) -> str:
    """Give the traceback of an exception, of its causes and of its group's members."""
    return "".join(_parts(error)).rstrip()


def _parts(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    if error.__cause__ is not None:
        yield from _parts(error.__cause__)
        yield "which was the cause of\n"
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from _parts(error.__context__)
        yield "and while that was handled\n"
    yield from traceback.format_tb(error.__traceback__)
    name = type(error).__qualname__
    yield f"{name}: {error}\n" if isinstance(error, ExporterError) else f"{name}\n"
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield "of which one is\n"
            yield from _parts(member)
