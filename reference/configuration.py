"""docs/configuration.md, from the settings and the command line."""

from collections.abc import Iterator

from pydantic import BaseModel

from exporter.cli.flags import Flag
from exporter.cli.parser import commands
from exporter.cli.terminal import NO_COLOUR_DESCRIPTION, NO_COLOUR_VARIABLE
from exporter.config.environment import Variables, variable
from exporter.config.model import AUTHORITIES_DESCRIPTION, AUTHORITIES_VARIABLE, STALE_AFTER_POLLS
from exporter.config.yaml_file import MODELS
from exporter.errors import EXIT_CODES
from reference.markdown import GENERATED, code, table

_INTRODUCTION = """# Configuration

A setting comes, in this order, from a flag, the environment, a secret file that the environment or the file names, the YAML file, a default.
`bitopro-margin-exporter check` prints every setting that is in force and where it came from, with secrets masked, and tries each
account; `check --offline` asks nobody. A name that does not exist is refused, with the nearest one that does. All problems are told at
once, one a line.

Durations have units: `15s`, `1m30s`, `500ms`. **Secrets are never flags**, for command lines are public on a machine. Files are
read at the start, and again when the exchange refuses a key, so a rotated key needs no restart.

"""

_FILE = """## The file

`--config.file=config.yml` describes any number of accounts. The environment is above it, for what holds for all accounts; accounts
come from one of the two only. Relative paths start at the file's folder. Secrets are always in files of their own.

```yaml
poll_interval: 15s
stale_after: 45s
accounts:
  - name: main
    api_key_file: main-key
    api_secret_file: main-secret
    email: you@example.com
    thresholds: {warning: 1.5, critical: 1.3, liquidation: 1.2}
```

Every file that is read, this one, `web.yml`, secrets and certificates, must be a regular file or a link to one, as those of Kubernetes,
Docker and systemd are: a pipe such as `<(...)`, a device or a directory is refused. Values are YAML 1.2: what older versions read
differently (`010`, `1_3`, `1:30`, `yes`) is refused with its line. Top-level keys that start with `x-` are yours, for instance for what
accounts share:

```yaml
x-defaults: &defaults
  email: you@example.com
  api_secret_file: secret
accounts:
  - <<: *defaults
    name: main
    api_key_file: main-key
```
"""


def configuration_page() -> str:
    """Return the page."""
    return GENERATED + _INTRODUCTION + "\n".join(_sections())


def _sections() -> Iterator[str]:
    yield "## The environment\n"
    variables = (
        *((code(variable(name)), *rest) for name, *rest in _settings(Variables)),
        (code(AUTHORITIES_VARIABLE), "", AUTHORITIES_DESCRIPTION),
        (code(NO_COLOUR_VARIABLE), "", NO_COLOUR_DESCRIPTION),
    )
    yield table(("variable", "default", "meaning"), variables)
    yield _FILE
    keys = (
        (code(place + name), *rest)
        for place, model in MODELS.items()
        for name, *rest in _settings(model)
    )
    yield table(("key", "default", "meaning"), keys)
    yield "## Flags\n\nWithout a command, `run` is meant. Flags are written `--name=value`.\n"
    for command in commands():
        yield f"### {command.name}\n\n{_sentence(command.help)}\n"
        if command.flags:
            yield table(("flag", "default", "meaning"), [_flag(each) for each in command.flags])
    yield "## Exit codes\n"
    yield table(("code", "meaning"), [(str(number), text) for number, text in EXIT_CODES.items()])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _flag(flag: Flag) -> tuple[str, str, str]:
    return code(flag.written), code(flag.default or ""), flag.help


def _settings(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    defaults = model.model_construct().model_dump(warnings=False)
    for name, each in model.model_fields.items():
        if each.description is None:
            # It holds other settings.
            continue
        default = defaults.get(name)
        text = "required" if each.is_required() else code("" if default is None else str(default))
        if name == "stale_after":
            text = f"{STALE_AFTER_POLLS} intervals"
        yield each.alias or name, text, each.description
