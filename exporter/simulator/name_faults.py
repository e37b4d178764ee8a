"""Faults of the names: currencies, labels, units and account ids that are none."""

from collections.abc import Callable

from exporter.simulator.damage import first_balance, first_currency, in_document, token
from exporter.simulator.documents import Document
from exporter.simulator.fault import Fault

_MANY = 501

# Name of the form, words, text.
_FORMS = (
    ("empty", "empty", ""),
    ("blank", "a blank", " "),
    ("blanks-around", "surrounded by blanks", " BTC "),
    ("quotes", "with quotes", 'B"T"C'),
    ("backslash", "with a backslash", "BTC\\"),
    ("braces", "like a sample of its own", 'BTC"} 1\nbitopro_margin_up{account="default'),
    ("newline", "with a line break", "BTC\nETH"),
    ("markup", "with markup", "<script>alert(1)</script>"),
    ("nul", "with a NUL", "BTC\x00"),
    ("bidi", "with a right-to-left override", "BTC\u202eCTB"),
    ("5-kilobytes", "five kilobytes", "B" * 5000),
)
_LOOKALIKE = "\u0412\u0422\u0421"  # BTC in Cyrillic
_HALF_CHARACTER = r'"BTC\ud800"'


def _rename(name: str) -> Callable[[Document], object]:
    """Rename the first currency."""

    def change(document: Document) -> None:
        document["balances"][name] = document["balances"].pop(first_currency(document))

    return change


def _rename_to(document: Document, name: str) -> None:
    _rename(name)(document)


def _set(field: str, value: object) -> Callable[[Document], object]:
    return lambda document: document.update({field: value})


def _both_cases(document: Document) -> None:
    document["balances"][first_currency(document).lower()] = first_balance(document)


def _too_many(document: Document) -> None:
    document["balances"] = {f"TOKEN{number}": first_balance(document) for number in range(_MANY)}


def _fault(name: str, summary: str, change: Callable[[Document], object]) -> Fault:
    return Fault(name, summary, "answer", in_document(change))


NAME_FAULTS = (
    *(
        _fault(f"currency-{name}", f"a currency name {words}", _rename(text))
        for name, words, text in _FORMS
    ),
    _fault("currency-lookalike", "BTC in Cyrillic letters", _rename(_LOOKALIKE)),
    _fault("currency-emoji", "a currency called by a picture", _rename("\U0001f4b0")),
    Fault(
        "currency-half-character",
        "a currency name with half a character",
        "answer",
        token(_rename_to, _HALF_CHARACTER),
    ),
    _fault("currency-in-both-cases", "a currency in capitals and in small letters", _both_cases),
    _fault("currencies-501", "501 currencies", _too_many),
    *(
        _fault(f"label-{name}", f"a label {words}", _set("adRatioLabel", text))
        for name, words, text in _FORMS
    ),
    Fault(
        "label-half-character",
        "a label with half a character",
        "answer",
        token(lambda document, text: document.update(adRatioLabel=text), _HALF_CHARACTER),
    ),
    *(
        _fault(f"unit-{name}", f"a unit {words}", _set("calculateUnit", text))
        for name, words, text in _FORMS
    ),
    *(
        _fault(f"account-id-{name}", f"an account id {words}", _set("accountID", text))
        for name, words, text in _FORMS
    ),
    _fault("another-account", "the answer is another account's", _set("accountID", "9999999999")),
)
