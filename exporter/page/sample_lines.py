"""Sample lines as prometheus-client writes them, byte for byte, at a fraction of its time.

What stands between the name and the number is the same for every account that holds the same
currencies, and is written once. The text of most amounts is the text of their number, too.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import cast

from prometheus_client.utils import floatToGoString

# prometheus-client leaves this one without types.
_float_text = cast("Callable[[float | Decimal], str]", floatToGoString)

# 15 decimal digits and a point: so many digits always survive the way to a float and back (C's
# DBL_DIG), so that the shortest text of the float has no others.
_MAX_PLAIN_LENGTH = 16
# Below this Python writes an exponent, and with more than six digits before the point Go does.
_LEAST_PLAIN = "0.0001"
_AFTER_WHOLE_DIGITS = 7
_MAX_PLAIN_INTEGER = 999_999

# Shapes that are remembered: an account has a few, which it mostly shares with others.
_SHAPES = 4096


def sample_lines(
    name: str,
    owner: str,
    labels: tuple[str, ...],
    keys: tuple[tuple[str, ...], ...],
    values: Sequence[float | Decimal],
) -> bytes:
    """Give a line for each value, of which there is one at least.

    `keys` has the values of `labels` for each; `owner` is the `label_text` of those that come
    first and are the same in all lines, or "".
    """
    start = f"{name}{{{owner}" if owner or labels else name
    parts = [f"\n{start}"] * (3 * len(values))
    parts[0] = start
    parts[1::3] = _shape(owner != "", labels, keys)
    parts[2::3] = map(number_text, values)
    parts.append("\n")
    return "".join(parts).encode()


def label_text(labels: Sequence[str], values: Sequence[str]) -> str:
    """Write labels and their values, without braces."""
    return ",".join(
        f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True)
    )


def number_text(value: float | Decimal) -> str:
    """Write the number that is nearest to `value` among those a float can be."""
    if type(value) is Decimal:
        text = str(value)
        if (
            text >= _LEAST_PLAIN
            and len(text) <= _MAX_PLAIN_LENGTH
            and "." in text[1:_AFTER_WHOLE_DIGITS]
            and "E" not in text
        ):
            if text[-1] != "0":
                return text
            text = text.rstrip("0")
            return f"{text}0" if text[-1] == "." else text
    elif type(value) is int and 0 <= value <= _MAX_PLAIN_INTEGER:
        return f"{value}.0"
    return _float_text(value)


@lru_cache(_SHAPES)
def _shape(
    follows: bool,  # noqa: FBT001 - positional, for the cache's sake
    labels: tuple[str, ...],
    keys: tuple[tuple[str, ...], ...],
) -> tuple[str, ...]:
    """Give what stands between the owner and the number, for each key."""
    comma = "," if follows and labels else ""
    brace = "}" if follows or labels else ""
    return tuple(f"{comma}{label_text(labels, key)}{brace} " for key in keys)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
