"""The exposition formats: the lines of a family as prometheus-client writes them, byte for byte.

`HELP` and `TYPE` are written by prometheus-client itself. Sample lines are written here, at a
fraction of its time: what stands between the name and the number is the same for every account that
holds the same currencies, and is written once. The text of most amounts is the text of their
number, too.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar, cast

from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from exporter.metrics.families import Family, Samples
from exporter.metrics.negotiation import Format

# prometheus-client leaves this one without types.
_openmetrics_latest = cast("Callable[[Collector], bytes]", openmetrics_latest)

# With which a page of OpenMetrics ends.
END = b"# EOF\n"

S = TypeVar("S")

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


class _Collected(Collector):
    """Families that exist already, as prometheus-client's formatters want them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def written_by_client(collector: Collector, format_: Format) -> bytes:
    """Return what prometheus-client writes for a collector, without the end of a page."""
    if format_ is Format.OPENMETRICS:
        return _openmetrics_latest(collector).removesuffix(END)
    return generate_latest(collector)


def header(family: Family[S], format_: Format) -> bytes:
    """Return the lines of `HELP` and `TYPE`."""
    return written_by_client(_Collected([as_metric(family, [])]), format_)


def as_metric(family: Family[S], states: Iterable[S]) -> Metric:
    """Return the family with the samples of `states`, as a value of prometheus-client."""
    metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
    for state in states:
        for key, value in family.read(state):
            labels = dict(zip(family.labels, (*family.owner(state), *key), strict=True))
            metric.add_sample(family.name, labels, float(value))
    return metric


def family_lines(family: Family[S], state: S, owner: str) -> bytes:
    """Return a line for each sample of `state`; `owner` is the text of `owner_text`."""
    samples = family.read(state)
    if not samples:
        return b""
    return sample_lines(family.name, owner, family.labels[len(family.owner(state)) :], samples)


def owner_text(family: Family[S], state: S) -> str:
    """Return the labels that all samples of a state share, without braces."""
    owner = family.owner(state)
    return label_text(family.labels[: len(owner)], owner)


def sample_lines(name: str, owner: str, labels: tuple[str, ...], samples: Samples) -> bytes:
    """Return a line for each sample, of which there is one at least.

    `owner` is the `label_text` of labels that come first and are the same in all lines, or "".
    """
    keys, values = zip(*samples, strict=True)
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
    """Return what stands between the owner and the number, for each key."""
    comma = "," if follows and labels else ""
    brace = "}" if follows or labels else ""
    return tuple(f"{comma}{label_text(labels, key)}{brace} " for key in keys)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
