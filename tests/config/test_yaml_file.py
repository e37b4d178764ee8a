"""How a YAML file is read: scalars of YAML 1.2, merge keys, and what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.model import CommonModel, ThresholdsModel
from exporter.config.yaml_file import load_yaml, read_config_file
from exporter.errors import ConfigurationError

AMBIGUOUS = (
    "versions of YAML read this value differently; write a decimal number without leading zeros "
    "and underscores, or true or false, or put it into quotation marks"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.yml"


def loaded(path: Path, text: str) -> object:
    path.write_text(text)
    return load_yaml(path, "--flag")


def problem(path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(path, text)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0].removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("13", 13),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("1.30", 1.3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'010'", "010"),
        ('"yes"', "yes"),
        ("1m30s", "1m30s"),
        ("127.0.0.1", "127.0.0.1"),
        ("2026-11-25", "2026-11-25"),
        ("y", "y"),
        ("_1", "_1"),
        ("=", "="),
        ("|\n    text\n", "text\n"),
    ],
)
def test_scalar_is_that_of_the_core_schema(path: Path, text: str, value: object) -> None:
    assert loaded(path, f"key: {text}\n") == {"key": value}


@pytest.mark.parametrize(
    "text",
    [
        "010",
        "08",
        "-010",
        "00.5",
        "1_3",
        "1_000.5",
        "1.2_3",
        "1:30",
        "1:30.5",
        "190:20:30",
        "0x10",
        "0o17",
        "0b1",
        "yes",
        "No",
        "ON",
        "off",
        "!!int '010'",
        "!!int ten",
        "!!bool yes",
    ],
)
def test_scalar_that_versions_of_yaml_read_differently_is_refused(path: Path, text: str) -> None:
    assert problem(path, f"one: 1\nkey: {text}\n") == (
        f"not valid YAML at line 2, column 6: key: {AMBIGUOUS}"
    )


def test_key_that_may_be_a_secret_is_not_named(path: Path) -> None:
    assert problem(path, "S3cret: 010\n") == f"not valid YAML at line 1, column 9: {AMBIGUOUS}"


# Without what YAML gives a meaning.
@given(st.text(alphabet="0123456789_:.+-eExobyYnNsftruaEl", min_size=1, max_size=8))
def test_plain_scalar_is_never_a_number_that_it_does_not_look_like(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "scalar.yml"
    try:
        document = loaded(path, f"[{text}]")
    except ConfigurationError:
        return
    assert isinstance(document, list)
    (value,) = document if len(document) == 1 else [document]
    if isinstance(value, bool) or value is None:
        assert text.lower() in ("true", "false", "null")
    elif isinstance(value, int):
        assert str(value) == text.removeprefix("+") or (text, value) == ("-0", 0)
    elif isinstance(value, float):
        assert value == float(text)
        assert "_" not in text
    elif isinstance(value, str):
        # The safe loader of YAML 1.1 reads no number or boolean either.
        assert value == text
        assert not isinstance(yaml.safe_load(f"[{text}]")[0], int | float)


class QuotingDumper(yaml.SafeDumper):
    """Writes every string in quotes, as JSON does."""


QuotingDumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'),
)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(0.5, 1e15),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_json_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, document: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "document.yml"

    assert loaded(path, yaml.dump(document, Dumper=QuotingDumper)) == document


def test_merge_key_fills_in_what_a_mapping_lacks(path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {y: 0, <<: *a}\nd: {<<: [*b, *a]}\n"

    assert loaded(path, text) == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "z": 4},
        "c": {"x": 1, "y": 0},
        "d": {"x": 1, "y": 3, "z": 4},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "line 2, column 1: a key is there twice"),
        ("a: &a {x: 1}\nb: {<<: *a, x: 2, x: 3}\n", "line 2, column 19: a key is there twice"),
        (
            "a: &a {x: 1}\nb: {<<: *a, <<: *a}\n",
            "line 2, column 13: a key is there twice; merge a list: <<: [*a, *b]",
        ),
        ("a: {<<: 1}\n", "line 1, column 9: << merges mappings, such as *defaults or [*a, *b]"),
        ("1: a\n", "line 1, column 1: a key is no text; put it into quotation marks"),
        ("? [a]\n: b\n", "line 1, column 3: a key is no text; put it into quotation marks"),
        ("a: !!binary aGk=\n", "line 1, column 4: a tag (!) is not supported; remove it"),
        ("a: !env KEY\n", "line 1, column 4: a tag (!) is not supported; remove it"),
    ],
)
def test_mistake_is_refused_with_its_place(path: Path, text: str, expected: str) -> None:
    assert problem(path, text) == f"not valid YAML at {expected}"


@pytest.mark.parametrize("text", ["a: &a {b: *a}\n", "a: &a [*a]\n", "a: &a {<<: *a}\n"])
def test_what_contains_itself_is_refused(path: Path, text: str) -> None:
    assert problem(path, text).startswith("not valid YAML at line 1, ")


def test_bomb_of_aliases_stays_small(path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    document = loaded(path, "\n".join(lines))

    assert isinstance(document, dict)
    assert document["a29"][0] is document["a28"]


def test_bomb_of_merge_keys_stays_small(path: Path) -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]

    assert loaded(path, "\n".join(lines))["a29"] == {"x": 1}  # type: ignore[index] # a mapping


def test_merging_too_many_keys_is_refused(path: Path) -> None:
    keys = ", ".join(f"k{n}: 1" for n in range(1000))
    merges = "\n".join(f"- {{<<: *a, n: {n}}}" for n in range(101))

    assert problem(path, f"a: &a {{{keys}}}\nb:\n{merges}\n").endswith(
        "<< merges more than 100000 keys"
    )


def test_long_scalar_of_underscores_is_read_in_one_pass(path: Path) -> None:
    # Before, the time grew with the square: half a minute for a tenth of this.
    path.write_text(f"x-note: 1{'_' * 300_000}x\n")

    assert load_yaml(path, "--config.file") == {"x-note": f"1{'_' * 300_000}x"}


def test_example_names_every_shared_setting_and_threshold_with_its_default() -> None:
    example = Path(__file__).parents[2] / "deploy" / "config.example.yml"
    keys = yaml.safe_load(example.read_text())
    given = keys["accounts"][1]["thresholds"]

    settings = read_config_file(example)

    assert keys.keys() - {"accounts"} == CommonModel.model_fields.keys()
    assert {f"threshold_{each}" for each in given} == ThresholdsModel.model_fields.keys()
    shared, defaults = settings.common, CommonModel()
    derived = {"stale_after", "danger_poll_interval"}
    assert shared.model_dump(include={*CommonModel.model_fields} - derived) == defaults.model_dump(
        exclude=derived
    )
    assert shared.stale_after_seconds == defaults.stale_after_seconds
    assert shared.danger_poll_interval_seconds == defaults.danger_poll_interval_seconds
    default, explicit = (each.thresholds for each in settings.accounts)
    assert replace(explicit, chosen=default.chosen) == default
