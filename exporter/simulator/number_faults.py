"""Faults of the numbers: forms that some parser takes for an amount, or for another one."""

from exporter.simulator.damage import first_balance, token
from exporter.simulator.documents import Document
from exporter.simulator.fault import Fault
from exporter.simulator.field_faults import NEGATIVE_FAULTS

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
