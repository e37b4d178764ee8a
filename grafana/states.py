"""What an account can be told to be, in one word and one colour, the same everywhere."""

import string
from collections.abc import Mapping
from dataclasses import dataclass

from grafana.values import Json


@dataclass(frozen=True, slots=True)
class State:
    """A verdict. `number` counts crossed thresholds; `short` is the word for small cells."""

    number: int
    word: str
    short: str
    colour: str


STALE = State(4, "STALE", "STALE", "dark-red")
LIQUIDATION = State(3, "below liquidation", "liquidation", "red")
CRITICAL = State(2, "below critical", "critical", "orange")
WARNING = State(1, "below warning", "warning", "yellow")
SAFE = State(0, "above warning", "above", "green")
DEBTLESS = State(-1, "no debt", "no debt", "blue")

STATES = (STALE, LIQUIDATION, CRITICAL, WARNING, SAFE, DEBTLESS)

# What else a tile can tell.
COLOUR_OF_WORD = {
    **{state.word: state.colour for state in STATES},
    "UNKNOWN": "dark-red",
    "RULES DO NOT RUN": "dark-red",
    "critical": "red",
    "warning": "yellow",
    "for information": "blue",
    "all quiet": "green",
    "BLIND": "dark-red",
    "all seen": "green",
    "fresh": "green",
    "no ratio": "text",
    **{f"% {state.short}": state.colour for state in STATES},
    "RUNNING": "red",
    "in a day": "green",
    "finished": "orange",
    "not told": "blue",
    "DOWN": "dark-red",
    "NOT ANSWERED": "dark-red",
    "REFUSED": "dark-red",
    "up": "green",
    "answered": "green",
    "accepted": "green",
}


def colours(*words: str) -> list[Json]:
    """Return overrides that colour a series by the word in its name."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/{word}/"},
            "properties": [
                {"id": "color", "value": {"mode": "fixed", "fixedColor": COLOUR_OF_WORD[word]}}
            ],
        }
        for word in words
    ]


# Of accounts; none of them says anything about danger.
_ACCOUNT_COLOURS = ("#5794F2", "#B877D9", "#3DB8C8", "#8E99AB")


def colours_of_accounts() -> list[Json]:
    """Return overrides that colour a line by the last letter of its account, alike in every chart.

    Grafana's palettes have red, yellow and green in them, which mean something here.
    """
    letters = string.ascii_letters + string.digits
    kinds = len(_ACCOUNT_COLOURS)
    of_kind = ["".join(x for x in letters if ord(x) % kinds == kind) for kind in range(kinds)]
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/^\\S*[{endings}](?: |$)/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for endings, colour in zip(of_kind, _ACCOUNT_COLOURS, strict=True)
    ]


# Of the usual currencies; others take what Grafana chooses.
_CURRENCY_COLOURS = {
    "BTC": "#B877D9",
    "ETH": "#5794F2",
    "USDT": "#3DB8C8",
    "TWD": "#8E99AB",
    "USDC": "#6E7FD6",
}


def colours_of_currencies() -> list[Json]:
    """Return overrides that colour the usual currencies, alike in every chart."""
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/ {currency}$/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for currency, colour in _CURRENCY_COLOURS.items()
    ]


def words_of_numbers(*, are_short: bool = False) -> list[Json]:
    """Return value mappings from the number of a state to its word and colour."""
    options: Json = {
        str(state.number): {
            "text": state.short if are_short else state.word,
            "color": state.colour,
            "index": index,
        }
        for index, state in enumerate(STATES)
    }
    return [{"type": "value", "options": options}]


def value_mappings(
    text_of_value: Mapping[float, str], colour_of_value: Mapping[float, str] | None = None
) -> list[Json]:
    """Return value mappings that say a number in words, and some of them in a colour."""
    colours_ = colour_of_value or {}
    options: Json = {
        f"{value:g}": {
            "text": text,
            "index": index,
            **({"color": colours_[value]} if value in colours_ else {}),
        }
        for index, (value, text) in enumerate(text_of_value.items())
    }
    return [{"type": "value", "options": options}]
