"""The metrics and labels that PromQL names, found without a parser of the whole language."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LABEL_LIST = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^{}]*)\}")
_MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"(?<![\w.:])[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()(?![\w:])")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "Inf", "NaN", "inf", "nan", "by", "on"}


@dataclass(frozen=True)
class Selector:
    """A metric, and what is asked of its labels: name, operator, value."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(expression: str) -> Iterator[Selector]:
    """Return every metric that an expression reads, once for each place."""
    bare = _SELECTOR.sub(" ", expression)
    for metric, inside in _SELECTOR.findall(expression):
        yield Selector(metric, tuple(_MATCHER.findall(inside)))
    for pattern in (_STRING, _LABEL_LIST, _RANGE):
        bare = pattern.sub(" ", bare)
    for name in _NAME.findall(bare):
        if name not in _KEYWORDS:
            yield Selector(name, ())


def listed_labels(expression: str) -> set[str]:
    """Return the labels that an expression groups or matches by."""
    lists = _LABEL_LIST.findall(_STRING.sub('""', expression))
    return {label.strip() for each in lists for label in each.split(",") if label.strip()}


def queries(annotations: Mapping[str, str]) -> list[str]:
    """Return the expressions that the templates of annotations ask for, with %q filled in."""
    texts = re.findall(r'printf "((?:[^"\\]|\\.)*)"[^|}]*\| query', " ".join(annotations.values()))
    return [text.replace(r"\"", '"').replace("%q", '"any"') for text in texts]
