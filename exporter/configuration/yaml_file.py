"""Reading a YAML file: a key that is there twice is an error, and no message quotes the file."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from exporter.errors import ConfigurationError


class _DuplicateKeyError(yaml.constructor.ConstructorError):
    pass


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, except that a key that is there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise _DuplicateKeyError(None, None, None, node.value[index][0].start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(path: Path, flag: str) -> object:
    """Give what the file holds. `flag` is the one that names it, for messages.

    Raises ConfigurationError.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except OSError as error:
        raise ConfigurationError([f"{flag}: cannot read {path}: {error.strerror}"]) from error
    except UnicodeDecodeError:
        raise ConfigurationError([f"{flag}: {path} is not UTF-8 text"]) from None
    except yaml.YAMLError as error:
        # Only the place, for PyYAML's own text may quote what it met, a secret for one.
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "unknown place"
        problem = (
            "a key is there twice"
            if isinstance(error, _DuplicateKeyError)
            else "compare indentation (no tabs), colons and quotes there with the lines above"
        )
        raise ConfigurationError([f"{path}: not valid YAML at {place}: {problem}"]) from None
    except (ValueError, RecursionError):
        # A date or a number of the right form and an impossible value, or endless brackets.
        raise ConfigurationError([f"{path}: holds a value that cannot be read"]) from None
