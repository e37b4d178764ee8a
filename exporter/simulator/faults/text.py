"""Faults of the JSON text: cut, surrounded, wrongly encoded, of another shape, or ambiguous."""

import codecs
import json
from collections.abc import Callable

from exporter.simulator.documents import Document
from exporter.simulator.faults.fault import (
    Fault,
    first_balance,
    first_currency,
    in_body,
    in_document,
)
from exporter.simulator.messages import json_bytes

_NESTING = 100_000
_PADDING_BYTES = 2 * 1024 * 1024
_LABEL_FIELD = b'"adRatioLabel":"'
_BALANCES_FIELD = b'"balances":{'


def _fault(name: str, summary: str, change: Callable[[bytes], bytes]) -> Fault:
    return Fault(name, summary, "answer", in_body(change))


def _instead(body: bytes) -> Callable[[bytes], bytes]:
    return lambda _good: body


def _in_label(data: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(_LABEL_FIELD, _LABEL_FIELD + data, 1)


def _single_quoted(body: bytes) -> bytes:
    return body.replace(b'"', b"'")


def _nested_field(document: Document) -> bytes:
    return b'{"extra":' + b"[" * _NESTING + b"]" * _NESTING + b"," + json_bytes(document)[1:]


# A second pair is put before the one of the good answer. Most parsers keep the last of two, some
# the first: both readings are tried by equal and by differing values.


def _twice(escaped_name: bytes, value: bytes | None) -> Callable[[bytes], bytes]:
    """Repeat the ratio; None repeats its value."""

    def change(body: bytes) -> bytes:
        first = json_bytes(json.loads(body)["adRatio"]) if value is None else value
        return b"{" + escaped_name + b":" + first + b"," + body[1:]

    return change


def _currency_twice(change: Callable[[Document], object]) -> Callable[[bytes], bytes]:
    """Repeat the first currency, its first balance changed."""

    def repeat(body: bytes) -> bytes:
        document: Document = json.loads(body)
        change(first_balance(document))
        pair = json_bytes({first_currency(document): first_balance(document)})[1:-1]
        return body.replace(_BALANCES_FIELD, _BALANCES_FIELD + pair + b",", 1)

    return repeat


def _amount_twice(amount: str | None) -> Callable[[bytes], bytes]:
    """Repeat the available amount of the first currency; None repeats its value."""

    def change(body: bytes) -> bytes:
        document: Document = json.loads(body)
        value = first_balance(document)["availableAmount"] if amount is None else amount
        start = _BALANCES_FIELD + json_bytes(first_currency(document)) + b":{"
        return body.replace(start, start + b'"availableAmount":' + json_bytes(value) + b",", 1)

    return change


TEXT_FAULTS = (
    _fault(
        "json-first-byte", "the first byte of the JSON, announced as such", lambda body: body[:1]
    ),
    _fault("json-half", "half of the JSON, announced as such", lambda body: body[: len(body) // 2]),
    _fault("json-without-last-byte", "the JSON without its last brace", lambda body: body[:-1]),
    _fault("json-then-brace", "one more closing brace", lambda body: body + b"}"),
    _fault("json-then-text", "a word behind the JSON", lambda body: body + b" ok"),
    _fault("json-then-nul", "a NUL byte behind the JSON", lambda body: body + b"\x00"),
    _fault("json-twice", "the JSON, and the JSON again", lambda body: body + body),
    _fault("json-lines", "the JSON in two lines of JSON", lambda body: body + b"\n" + body),
    _fault("json-in-parentheses", "the JSON in parentheses", lambda body: b"(" + body + b")"),
    _fault("json-behind-guard", "the JSON behind )]}'", lambda body: b")]}',\n" + body),
    _fault("json-single-quoted", "single quotes for double ones", _single_quoted),
    _fault("json-comment", "a comment in the JSON", lambda body: b"{/* now */" + body[1:]),
    _fault("json-trailing-comma", "a comma before the last brace", lambda body: body[:-1] + b",}"),
    _fault("byte-order-mark", "a UTF-8 byte order mark", lambda body: codecs.BOM_UTF8 + body),
    _fault("utf-16", "UTF-16", lambda body: body.decode().encode("utf-16")),
    _fault("utf-32", "UTF-32", lambda body: body.decode().encode("utf-32")),
    _fault("invalid-utf-8", "a byte that is no UTF-8", _in_label(b"\xff")),
    _fault("overlong-utf-8", "a slash in two bytes of UTF-8", _in_label(b"\xc0\xaf")),
    _fault("surrogate-in-utf-8", "half a character in UTF-8", _in_label(b"\xed\xa0\x80")),
    _fault("raw-newline-in-string", "a line break inside a string", _in_label(b"\n")),
    _fault("null", "null", _instead(b"null")),
    _fault("true", "true", _instead(b"true")),
    _fault("number", "a number", _instead(b"5.76")),
    _fault("string", "a string", _instead(b'"5.76"')),
    _fault("empty-list", "[]", _instead(b"[]")),
    _fault("empty-object", "{}", _instead(b"{}")),
    _fault("blank", "blanks", _instead(b"   \r\n")),
    _fault("error-under-200", "an error under 200", _instead(b'{"error":"Invalid signature"}')),
    _fault("wrapped-in-data", "the fields in data", lambda body: b'{"data":' + body + b"}"),
    _fault("wrapped-in-list", "the object in a list", lambda body: b"[" + body + b"]"),
    _fault("wrapped-in-string", "JSON in a string of JSON", lambda body: json_bytes(body.decode())),
    _fault("deep-list", "a list of lists, 100,000 deep", _instead(b"[" * _NESTING)),
    _fault(
        "deep-field",
        "an additional field, 100,000 lists deep",
        lambda body: _nested_field(json.loads(body)),
    ),
    _fault(
        "padded-to-2-mib",
        "2 MiB of blanks behind the JSON",
        lambda body: body.ljust(_PADDING_BYTES),
    ),
    Fault(
        "field-of-2-mib",
        "an additional field of 2 MiB",
        "answer",
        in_document(lambda document: document.update(extra="x" * _PADDING_BYTES)),
    ),
    _fault("duplicate-field", "a field twice, with equal values", _twice(b'"adRatio"', None)),
    _fault(
        "duplicate-field-differs", "a field twice, with two values", _twice(b'"adRatio"', b'"9.99"')
    ),
    _fault(
        "duplicate-field-escaped",
        "a field twice, its name once escaped, with two values",
        _twice(rb'"\u0061dRatio"', b'"9.99"'),
    ),
    _fault(
        "duplicate-currency",
        "a currency twice, with equal balances",
        _currency_twice(lambda _: None),
    ),
    _fault(
        "duplicate-currency-differs",
        "a currency twice, with two balances",
        _currency_twice(lambda balance: balance.update(borrowAmount="9.00000000")),
    ),
    _fault("duplicate-amount", "an amount twice, with equal values", _amount_twice(None)),
    _fault(
        "duplicate-amount-differs", "an amount twice, with two values", _amount_twice("9.00000000")
    ),
    _fault(
        "additional-bare-nan",
        "an additional field that is a bare NaN",
        lambda body: b'{"extra":NaN,' + body[1:],
    ),
)
