"""Ways to damage a good answer; each gives the effect of a fault."""

import json
from collections.abc import Callable
from dataclasses import replace

from exporter.simulator.documents import Document
from exporter.simulator.faults.fault import InAnswer
from exporter.simulator.messages import Answer, json_bytes

_PLACE_OF_TOKEN = "@token@"  # noqa: S105  # a JSON token, nothing secret


def in_body(change: Callable[[bytes], bytes]) -> InAnswer:
    """Change the bytes of the body."""
    return InAnswer(lambda good: replace(good, body=change(good.body)))


def in_document(change: Callable[[Document], object]) -> InAnswer:
    """Change a copy of the document in place; what `change` returns is ignored."""

    def rewrite(body: bytes) -> bytes:
        document: Document = json.loads(body)
        change(document)
        return json_bytes(document)

    return in_body(rewrite)


def token(put: Callable[[Document, str], object], text: str) -> InAnswer:
    """Write `text` as it is, quotes and all, where `put` puts its second argument."""
    place = json_bytes(_PLACE_OF_TOKEN)
    marked = in_document(lambda document: put(document, _PLACE_OF_TOKEN))

    def change(good: Answer) -> Answer:
        answer = marked.change(good)
        return replace(answer, body=answer.body.replace(place, text.encode()))

    return InAnswer(change)


def first_currency(document: Document) -> str:
    """Return the code of the first currency."""
    return str(next(iter(document["balances"])))


def first_balance(document: Document) -> Document:
    """Return the balance of the first currency."""
    balance: Document = document["balances"][first_currency(document)]
    return balance
