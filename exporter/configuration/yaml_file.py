"""Reading a YAML file: scalars of YAML 1.2's core schema, merge keys, and no message quotes it.

What YAML 1.1 and 1.2 read differently (`010`, `1_3`, `1:30`, `yes`) is refused, and so is a key
that is there twice. Source: yaml.org/spec/1.2.2, 10.3, and yaml.org/type/merge.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, cast

import yaml

from exporter.configuration.files import MAX_CONFIG_BYTES, read_text_file
from exporter.errors import ConfigurationError

# As many as a thousand accounts need, a hundred times over; work grows with them.
_MOST_MERGED_KEYS = 100_000
_PLAIN_KEY = re.compile(r"[a-z_]{1,32}", re.ASCII)
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)\.[0-9]*|(?:0|[1-9][0-9]*)(?=[eE]))(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_AMBIGUOUS = re.compile(
    r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"
    # Leading zeros, and other bases than ten.
    r"|[-+]?0[0-9_]+(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|[-+]?0[box][0-9a-fA-F_]+"
    # Underscores between digits, and base 60.
    # The lookahead finds an underscore in one pass, however long the scalar is.
    r"|[-+]?(?=[0-9.]+_)[0-9._]+(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
)
_AMBIGUOUS_TAG = "!ambiguous"
_MERGE_TAG = "tag:yaml.org,2002:merge"
_TAG = "tag:yaml.org,2002:"


class _RefusedError(yaml.MarkedYAMLError):
    """`problem` is ours, and quotes nothing."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """PyYAML's parser with scalars and mappings of our own."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - as PyYAML's stubs have it
    yaml_constructors: ClassVar[dict[Any, Any]] = {}
    merged_keys = 0
    # That whose value is being read, for messages.
    key: str | None = None


def load_yaml(path: Path, flag: str, max_bytes: int = MAX_CONFIG_BYTES) -> object:
    """Return what the file holds. `flag` is the one that names it, for messages.

    Raises ConfigurationError.
    """
    text = read_text_file(flag, path, max_bytes)
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        # Only the place, for PyYAML's own text may quote what it met, a secret for one.
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "unknown place"
        if isinstance(error, _RefusedError):
            problem = str(error.problem)
        else:
            problem = "compare indentation (no tabs), colons and quotes there with the lines above"
        raise ConfigurationError([f"{path}: not valid YAML at {place}: {problem}"]) from None
    except (ValueError, RecursionError):
        # A number of more digits than Python reads, or endless brackets.
        raise ConfigurationError([f"{path}: holds a value that cannot be read"]) from None


def _mapping(loader: _Loader, node: yaml.Node) -> dict[str, object]:
    """Return the mapping; keys of its own come before those that are merged into it."""
    if not isinstance(node, yaml.MappingNode):
        raise _RefusedError(node, "a mapping was expected")
    own: dict[str, object] = {}
    merged: dict[str, object] = {}
    is_merged = False
    for key_node, value_node in node.value:
        if key_node.tag == _MERGE_TAG:
            if is_merged:
                raise _RefusedError(key_node, "a key is there twice; merge a list: <<: [*a, *b]")
            is_merged = True
            merged = _merged(loader, value_node)
            continue
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _RefusedError(key_node, "a key is no text; put it into quotation marks")
        if key in own:
            raise _RefusedError(key_node, "a key is there twice")
        loader.key = key
        own[key] = loader.construct_object(value_node, deep=True)
        loader.key = None
    return {**merged, **own}


def _merged(loader: _Loader, node: yaml.Node) -> dict[str, object]:
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    merged: dict[str, object] = {}
    for each in sources:
        if not isinstance(each, yaml.MappingNode):
            raise _RefusedError(each, "<< merges mappings, such as *defaults or [*a, *b]")
        source = cast("dict[str, object]", loader.construct_object(each, deep=True))
        loader.merged_keys += len(source) + 1
        if loader.merged_keys > _MOST_MERGED_KEYS:
            raise _RefusedError(each, f"<< merges more than {_MOST_MERGED_KEYS} keys")
        # Of several, the first one counts.
        merged = {**source, **merged} if len(merged) < len(source) else _filled(merged, source)
    return merged


def _filled(merged: dict[str, object], source: dict[str, object]) -> dict[str, object]:
    for key, value in source.items():
        merged.setdefault(key, value)
    return merged


def _sequence(loader: _Loader, node: yaml.Node) -> list[object]:
    if not isinstance(node, yaml.SequenceNode):
        raise _RefusedError(node, "a list was expected")
    return [loader.construct_object(each, deep=True) for each in node.value]


def _scalar(
    form: re.Pattern[str] | None, read: Callable[[str], object]
) -> Callable[[_Loader, yaml.Node], object]:
    """Return what reads a scalar of a form, which it may lack if a tag says what it is."""

    def construct(loader: _Loader, node: yaml.Node) -> object:
        if not isinstance(node, yaml.ScalarNode):
            raise _RefusedError(node, "a single value was expected")
        if form is not None and not form.fullmatch(node.value):
            return _refuse_ambiguous(loader, node)
        return read(node.value)

    return construct


def _refuse_ambiguous(loader: _Loader, node: yaml.Node) -> object:
    key = f"{loader.key}: " if loader.key and _PLAIN_KEY.fullmatch(loader.key) else ""
    raise _RefusedError(
        node,
        f"{key}versions of YAML read this value differently; write a decimal number without "
        "leading zeros and underscores, or true or false, or put it into quotation marks",
    )


def _refuse_tag(_loader: _Loader, node: yaml.Node) -> object:
    raise _RefusedError(node, "a tag (!) is not supported; remove it")


for _name, _form, _read in (
    ("null", _NULL, lambda _: None),
    ("bool", _BOOL, lambda text: text.lower() == "true"),
    ("int", _INT, int),
    ("float", _FLOAT, lambda text: float(re.sub(r"\.(?=inf|nan)", "", text.lower()))),
    ("str", None, str),
):
    if _form is not None:
        _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_form.pattern})$"), None)
    _Loader.add_constructor(_TAG + _name, _scalar(_form, _read))
_Loader.add_implicit_resolver(_AMBIGUOUS_TAG, re.compile(f"(?:{_AMBIGUOUS.pattern})$"), None)
_Loader.add_implicit_resolver(_MERGE_TAG, re.compile(r"<<$"), ["<"])
_Loader.add_constructor(_AMBIGUOUS_TAG, _refuse_ambiguous)
_Loader.add_constructor(_TAG + "map", _mapping)
_Loader.add_constructor(_TAG + "seq", _sequence)
_Loader.add_constructor(None, _refuse_tag)
