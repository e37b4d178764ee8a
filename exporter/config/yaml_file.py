"""The configuration file: YAML 1.2 without surprises, and the settings and accounts in it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from exporter.config.files import MAX_CONFIG_BYTES, read_text_file
from exporter.config.model import (
    AccountKeys,
    CommonModel,
    ExchangeModel,
    SourceAccount,
    SourceSettings,
    ThresholdsModel,
    credential_source,
)
from exporter.config.values import problem_texts, suggestion
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


_SHAPES = {
    "model_type": "keys with values were expected, such as name: main",
    "list_type": "a list was expected, each entry with a dash before it",
    "too_short": "at least one account is needed",
    "string_type": "text was expected; put it into quotation marks",
    "bool_type": "true or false was expected",
}
# Of keys that are the operator's own, a place for what accounts merge by `<<: *defaults`.
_FREE = "x-"

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class _ThresholdsModel(ThresholdsModel):
    model_config = ConfigDict(
        **_STRICT, alias_generator=lambda name: name.removeprefix("threshold_")
    )


class _AccountModel(ExchangeModel, AccountKeys):
    model_config = _STRICT

    thresholds: _ThresholdsModel = _ThresholdsModel()

    @model_validator(mode="after")
    def _has_one_email(self) -> Self:
        if (self.email is None) == (self.email_file is None):
            raise ValueError("one of email and email_file is needed, and only one")
        return self


class _FileModel(CommonModel):
    model_config = _STRICT

    accounts: list[_AccountModel] = Field(min_length=1)


# By the keys that they are in.
MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"": _FileModel, "accounts[].": _AccountModel, "accounts[].thresholds.": _ThresholdsModel}
)
_KEYS = frozenset(
    field.alias or name for model in MODELS.values() for name, field in model.model_fields.items()
)


def read_config_file(path: Path) -> SourceSettings:
    """Read the file. Relative paths in it start at its folder.

    Raises ConfigurationError with every problem found, each with its place in the file.
    """
    document = load_yaml(path, "--config.file")
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if _is_said(key, value)}
    try:
        file = _FileModel.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError([_problem(path, *each) for each in problem_texts(error)]) from None
    return SourceSettings(
        accounts=tuple(
            _account(path, f"{path}: accounts[{index}]", account)
            for index, account in enumerate(file.accounts)
        ),
        common=file,
        origins={
            name: f"{path}: {name}"
            for name in file.model_fields_set & CommonModel.model_fields.keys()
        },
    )


def _is_said(key: str, value: object) -> bool:
    """Return whether a key at the top is ours; without a value, its default counts."""
    return not key.startswith(_FREE) and (value is not None or key not in CommonModel.model_fields)


def _account(path: Path, where: str, account: _AccountModel) -> SourceAccount:
    thresholds = account.thresholds.thresholds()
    return SourceAccount(
        where=where,
        name=account.name,
        base_url=account.base_url,
        thresholds=thresholds,
        credentials=credential_source(account, lambda name: f"{where}.{name}", path.parent),
        origins={
            **{name: f"{where}.{name}" for name in account.model_fields_set},
            "account": f"{where}.name",
            **{f"threshold_{level}": f"{where}.thresholds.{level}" for level in thresholds.chosen},
        },
    )


def _problem(path: Path, location: tuple[int | str, ...], kind: str, text: str) -> str:
    if kind == "extra_forbidden":
        key = str(location[-1])
        text = f"there is no such key{suggestion(key, _KEYS)}"
        if not _PLAIN_KEY.fullmatch(key):
            # It may be a secret, pasted in the wrong place.
            location = location[:-1]
            text = "there is a key that no account has, and that is not shown here"
    elif kind == "missing":
        text = "is missing"
    elif kind in _SHAPES:
        text = _SHAPES[kind]
    place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location)
    return ": ".join(filter(None, (str(path), place.removeprefix("."), text)))
