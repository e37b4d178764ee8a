"""Faults of fields, numbers and names in an answer."""

from collections.abc import Callable

from exporter.simulator.documents import Document
from exporter.simulator.faults.fault import Fault, first_balance, first_currency, in_document, token

_Holder = Callable[[Document], Document]

_ACCOUNT_AMOUNTS = ("adRatio", "totalAssetAmount", "totalDebtAmount")
_ACCOUNT_TEXTS = ("adRatioLabel", "accountID", "calculateUnit")
_ACCOUNT_STATUSES = ("accountStatus", "marginStatus")
_BALANCE_AMOUNTS = (
    "availableAmount",
    "tradedAmount",
    "borrowAmount",
    "borrowInterestAmount",
    "totalAmount",
)
_BALANCE_STATUSES = ("borrowStatus", "transferStatus")


def _account(document: Document) -> Document:
    return document


# Which object holds a field, and the field.
_AMOUNTS: tuple[tuple[_Holder, str], ...] = (
    *((_account, field) for field in _ACCOUNT_AMOUNTS),
    *((first_balance, field) for field in _BALANCE_AMOUNTS),
)
_STRINGS = (*_AMOUNTS, *((_account, field) for field in _ACCOUNT_TEXTS))
_STATUSES: tuple[tuple[_Holder, str], ...] = (
    *((_account, field) for field in _ACCOUNT_STATUSES),
    *((first_balance, field) for field in _BALANCE_STATUSES),
)
_FIELDS = (*_STRINGS, *_STATUSES, (_account, "balances"))


def _missing(holder: _Holder, field: str) -> Fault:
    return Fault(
        f"missing-{field}",
        f"{field} is missing",
        "answer",
        in_document(lambda document: holder(document).pop(field)),
    )


def _set(name: str, description: str, holder: _Holder, field: str, value: object) -> Fault:
    return Fault(
        f"{name}-{field}",
        f"{field} is {description}",
        "answer",
        in_document(lambda document: holder(document).update({field: value})),
    )


def _first_balance_is(name: str, description: str, value: object) -> Fault:
    return Fault(
        f"{name}-balance",
        f"a balance is {description}",
        "answer",
        in_document(
            lambda document: document["balances"].update({first_currency(document): value})
        ),
    )


FIELD_FAULTS = (
    *(_missing(holder, field) for holder, field in _FIELDS),
    *(_set("null", "null", holder, field, None) for holder, field in _FIELDS),
    *(
        _set("number", "a number and not a string", holder, field, 1.5)
        for holder, field in _STRINGS
    ),
    *(_set("list", "a list and not a string", holder, field, ["1"]) for holder, field in _STRINGS),
    *(_set("string", "a string", holder, field, "1") for holder, field in _STATUSES),
    *(_set("bool", "true", holder, field, value=True) for holder, field in _STATUSES),
    *(_set("float", "1.0", holder, field, 1.0) for holder, field in _STATUSES),
    _set("list", "a list", _account, "balances", []),
    _set("string", "a string", _account, "balances", "{}"),
    _first_balance_is("null", "null", None),
    _first_balance_is("list", "a list", []),
    _first_balance_is("string", "a string", "1.00000000"),
    _first_balance_is("empty", "an empty object", {}),
)

NEGATIVE_FAULTS = tuple(
    _set("negative", "negative", holder, field, "-1.00000000") for holder, field in _AMOUNTS
)


# Name, and the JSON token in place of a decimal string.
_FORMS = (
    ("nan-text", '"NaN"'),
    ("nan", "NaN"),
    ("signalling-nan-text", '"sNaN"'),
    ("infinity-text", '"Infinity"'),
    ("infinity", "Infinity"),
    ("minus-infinity", "-Infinity"),
    ("infinity-sign", '"\u221e"'),
    ("exponent", '"1e3"'),
    ("exponent-huge", '"1e400"'),
    ("exponent-bare-huge", "1e400"),
    ("exponent-of-zero", '"0E-8"'),
    ("underscore", '"1_10"'),
    ("decimal-comma", '"1,10"'),
    ("thousands-separators", '"1,000,104.57077436"'),
    ("empty", '""'),
    ("blank", '" "'),
    ("blanks-around", '" 1.1 "'),
    ("newline-behind", r'"1.1\n"'),
    ("nul-behind", r'"1.1\u0000"'),
    ("hexadecimal", '"0x1"'),
    ("arabic-indic-digits", '"\u0661\u0662.\u0665"'),
    ("devanagari-digits", '"\u0967\u0968.\u096b"'),
    ("full-width-digits", '"\uff11\uff12.\uff15"'),
    ("superscript", '"1\u00b2"'),
    ("true", "true"),
    ("true-text", '"true"'),
    ("word", '"none"'),
    ("object", "{}"),
    ("plus", '"+1"'),
    ("no-digit-before-point", '".5"'),
    ("no-digit-behind-point", '"5."'),
    ("point", '"."'),
    ("two-points", '"1.1.1"'),
    ("two-signs", '"--1"'),
    ("negative-zero", '"-0.00000000"'),
    ("percent", '"5%"'),
    ("currency-sign", '"$5"'),
    ("fraction", '"1/3"'),
    ("400-digits", f'"{"9" * 400}"'),
    ("400-decimals", f'"0.{"9" * 400}"'),
    ("100-kilobytes", f'"{"9" * 100_000}"'),
)

# The ratio and the totals have code of their own in a client: the worst forms again.
_WORST_FORMS = tuple(
    form
    for form in _FORMS
    if form[0] in {"nan-text", "infinity-text", "exponent", "thousands-separators", "empty"}
)

_HUGE_INTEGER = "9" * 5000


def _put_amount(document: Document, value: str) -> None:
    first_balance(document)["availableAmount"] = value


def _put_ratio(document: Document, value: str) -> None:
    document["adRatio"] = value


def _put_debt(document: Document, value: str) -> None:
    document["totalDebtAmount"] = value


def _put_status(document: Document, value: str) -> None:
    document["accountStatus"] = value


def _shown(form: str) -> str:
    return form if len(form) < 30 else f"{form[:8]}..., {len(form)} characters"  # noqa: PLR2004  # a line


NUMBER_FAULTS = (
    *(
        Fault(f"amount-{name}", f"an amount is {_shown(form)}", "answer", token(_put_amount, form))
        for name, form in _FORMS
    ),
    *(
        Fault(f"ratio-{name}", f"the ratio is {_shown(form)}", "answer", token(_put_ratio, form))
        for name, form in _WORST_FORMS
    ),
    *(
        Fault(f"debt-{name}", f"the debt is {_shown(form)}", "answer", token(_put_debt, form))
        for name, form in _WORST_FORMS
    ),
    Fault(
        "status-huge-integer",
        "a status is an integer of 5000 digits",
        "answer",
        token(_put_status, _HUGE_INTEGER),
    ),
    Fault("status-exponent", "a status is 1e0", "answer", token(_put_status, "1e0")),
    *NEGATIVE_FAULTS,
)


_MANY = 501

# Name of the form, description, text.
_NAME_FORMS = (
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


def _set_name(field: str, value: object) -> Callable[[Document], object]:
    return lambda document: document.update({field: value})


def _both_cases(document: Document) -> None:
    document["balances"][first_currency(document).lower()] = first_balance(document)


def _too_many(document: Document) -> None:
    document["balances"] = {f"TOKEN{number}": first_balance(document) for number in range(_MANY)}


def _fault(name: str, summary: str, change: Callable[[Document], object]) -> Fault:
    return Fault(name, summary, "answer", in_document(change))


NAME_FAULTS = (
    *(
        _fault(f"currency-{name}", f"a currency name {description}", _rename(text))
        for name, description, text in _NAME_FORMS
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
        _fault(f"label-{name}", f"a label {description}", _set_name("adRatioLabel", text))
        for name, description, text in _NAME_FORMS
    ),
    Fault(
        "label-half-character",
        "a label with half a character",
        "answer",
        token(lambda document, text: document.update(adRatioLabel=text), _HALF_CHARACTER),
    ),
    *(
        _fault(f"unit-{name}", f"a unit {description}", _set_name("calculateUnit", text))
        for name, description, text in _NAME_FORMS
    ),
    *(
        _fault(f"account-id-{name}", f"an account id {description}", _set_name("accountID", text))
        for name, description, text in _NAME_FORMS
    ),
    _fault(
        "another-account", "the answer is another account's", _set_name("accountID", "9999999999")
    ),
)
