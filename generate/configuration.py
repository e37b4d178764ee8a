"""docs/configuration.md, from the settings and the command line."""

from collections.abc import Iterator, Mapping, Sequence

from exporter.cli.parser import Command, commands
from exporter.cli.terminal import NO_COLOUR_DESCRIPTION, NO_COLOUR_VARIABLE
from exporter.config.environment import Variables, variable
from exporter.config.model import AUTHORITIES_DESCRIPTION, AUTHORITIES_VARIABLE, STALE_AFTER_POLLS
from exporter.config.yaml_file import MODELS
from exporter.errors import EXIT_CODES
from generate.markdown import GENERATED, code, table

_INTRODUCTION = """# Configuration

Every setting, flag and exit code. Read it when the defaults of the [README](../README.md) do not fit.

One account can be configured by environment variables; several need a file. Settings that apply to all accounts may come from both, and the
environment overrides the file. `bitopro-margin-exporter check` prints every setting in force and where it came from, with secrets masked,
and tries each account; `check --offline` sends nothing. Unknown names are refused with the nearest known one, and all problems
are reported at once, one per line.

Durations have units: `15s`, `1m30s`, `500ms`. **Secrets are never flags**, because command lines are visible to other users of the machine.
Secret files are read at start, and again when the exchange refuses a key, so a rotated key needs no restart.

## Settings

"""

_REQUIRED = """Key, secret and e-mail address are required, each as a value or as the name of a file that holds it, not both. In the file, only
the e-mail address may be a value, and every account has a `name`. `SSL_CERT_FILE` and `NO_COLOR` are not specific to this program.

"""

_FILE = """## The file

`--config.file=config.yml` describes any number of accounts. Relative paths start at its folder. [config.example.yml](../deploy/config.example.yml)
has every key; `assets` writes it.

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

This file, `web.yml`, secrets and certificates must be regular files or links to them; pipes such as `<(...)`, devices and directories are
refused. Values are YAML 1.2: what older versions read differently (`010`, `1_3`, `1:30`, `yes`) is refused with its line. Top-level keys
that start with `x-` are ignored, so that accounts can share settings:

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

_FLAGS = """## Flags

Without a command, `run` is used. Flags are written `--name=value`.

"""


def configuration_page() -> str:
    """Return the page."""
    return GENERATED + _INTRODUCTION + "".join(_sections())


def _sections() -> Iterator[str]:
    yield table(("variable", "key in the file", "default", "meaning"), list(_settings()))
    yield f"\n{_REQUIRED}{_FILE}{_FLAGS}"
    for place, command in enumerate(commands()):
        earlier = commands()[:place]
        yield f"### {command.name}\n\n{_sentence(command.help)}{_known(command, earlier)}\n\n"
        known = {flag for other in earlier for flag in other.flags}
        if new := [each for each in command.flags if each not in known]:
            rows = [(code(each.written), code(each.default or ""), each.help) for each in new]
            yield f"{table(('flag', 'default', 'meaning'), rows)}\n"
    yield "## Exit codes\n\n"
    yield table(("code", "meaning"), [(str(number), text) for number, text in EXIT_CODES.items()])


def _settings() -> Iterator[Sequence[str]]:
    keys = _keys()
    defaults = Variables.model_construct().model_dump(warnings=False)
    for name, field in Variables.model_fields.items():
        default = code("" if defaults.get(name) is None else str(defaults[name]))
        if name == "stale_after":
            default = f"{STALE_AFTER_POLLS} intervals"
        meaning = field.description or ""
        if name.endswith("_file"):
            meaning = meaning.partition(";")[0]
        yield code(variable(name)), code(keys.get(name, "")), default, meaning
    yield code(AUTHORITIES_VARIABLE), "", "", AUTHORITIES_DESCRIPTION
    yield code(NO_COLOUR_VARIABLE), "", "", NO_COLOUR_DESCRIPTION


def _keys() -> Mapping[str, str]:
    """Return the key of the file by the setting's name as a variable."""
    keys = {
        name: f"{place}{field.alias or name}"
        for place, model in MODELS.items()
        for name, field in model.model_fields.items()
        if field.description is not None
    }
    return {**keys, "account": keys["name"]}


def _known(command: Command, earlier: Sequence[Command]) -> str:
    """Return a sentence on the flags that an earlier command has, with the same meaning."""
    described = []
    left = list(command.flags)
    for other in earlier:
        taken = [each for each in left if each in other.flags]
        left = [each for each in left if each not in taken]
        if len(taken) == len(other.flags):
            described.append(f"every flag of `{other.name}`")
        elif taken:
            options = ", ".join(code(each.option) for each in taken)
            described.append(f"{options} as `{other.name}` does")
    return f" Takes {'; '.join(described)}." if described else ""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
