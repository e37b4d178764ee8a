"""Answers of the exchange: documented ones, and balances made from theirs by changing one thing."""

import json
from typing import Any

from tests.conftest import FIXTURES

# A JSON document; its shape is what is tested.
Document = dict[str, Any]


def documented() -> Document:
    """Return the documented example as a fresh document."""
    document: Document = json.loads((FIXTURES / "margin_balances.json").read_bytes())
    return document


def answer_with(name: str, value: object, **others: object) -> bytes:
    """Return the documented example with other values for some account fields."""
    return json.dumps({**documented(), name: value, **others}).encode()


def balance_with(name: str, value: object, currency: str = "BTC") -> bytes:
    """Return the documented example with another value for one field of one balance."""
    document = documented()
    document["balances"][currency][name] = value
    return json.dumps(document).encode()


def example(endpoint: str) -> bytes:
    """Return an answer of an optional endpoint in the documented form."""
    name = endpoint.replace("-", "_").replace("/", "_")
    return (FIXTURES / f"margin_{name}.json").read_bytes()


def documented_balances() -> bytes:
    """Return the documented example, byte for byte."""
    return (FIXTURES / "margin_balances.json").read_bytes()
