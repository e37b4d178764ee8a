"""docs/configuration.md, from the settings and the command line."""

from collections.abc import Iterator, Mapping, Sequence

from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.cli.parser import Command, Flag, command_line, commands_of
from exporter.config.checks import STALE_AFTER_POLLS
from exporter.config.environment import (
    known_variables,
    variable_defaults,
    variable_descriptions,
)
from exporter.config.settings import DEFAULT_POLL_INTERVAL_SECONDS
from exporter.config.values import description_of
from exporter.config.yaml_file import ACCOUNT_KEYS, FILE_KEYS, THRESHOLD_KEYS
from exporter.errors import EXIT_CODES
from generate.markdown import GENERATED, code, table

_PREFIX = "BITOPRO_"

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

`--config.file=config.yml` describes any number of accounts. Relative paths start at its folder.

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
    commands = commands_of(command_line())
    for place, command in enumerate(commands):
        earlier = commands[:place]
        yield f"### {command.name}\n\n{_sentence(command.help)}{_known(command, earlier)}\n\n"
        known = {flag for other in earlier for flag in other.flags}
        if new := [each for each in command.flags if each not in known]:
            rows = [(code(each.written), code(each.default or ""), _help(each)) for each in new]
            yield f"{table(('flag', 'default', 'meaning'), rows)}\n"
    yield "## Exit codes\n\n"
    yield table(("code", "meaning"), [(str(number), text) for number, text in EXIT_CODES.items()])


def _settings() -> Iterator[Sequence[str]]:
    keys = _keys_by_variable()
    for variable, description in variable_descriptions().items():
        secret = variable.removeprefix(_PREFIX).removesuffix("_FILE").lower()
        is_file = variable in known_variables() and variable.endswith("_FILE")
        meaning = f"file that holds {_subject(secret)}" if is_file else description
        yield code(variable), code(keys.get(variable, "")), _default(variable), meaning


def _subject(setting: str) -> str:
    return description_of(setting).partition(";")[0]


def _keys_by_variable() -> Mapping[str, str]:
    """Return the key of the file by the variable that sets the same."""
    keys = {key: key for key in FILE_KEYS if key != "accounts"}
    keys |= {key: f"accounts[].{key}" for key in ACCOUNT_KEYS if key not in {"name", "thresholds"}}
    keys |= {f"threshold_{key}": f"accounts[].thresholds.{key}" for key in THRESHOLD_KEYS}
    keys["account"] = "accounts[].name"
    return {f"{_PREFIX}{name.upper()}": key for name, key in keys.items()}


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


def _help(flag: Flag) -> str:
    return flag.help.partition(" (default:")[0]


def _default(variable: str) -> str:
    special = {
        "BITOPRO_POLL_INTERVAL": f"{DEFAULT_POLL_INTERVAL_SECONDS:g}s",
        "BITOPRO_HIDE_ACCOUNT_ID": "false",
        "BITOPRO_REQUESTS_PER_MINUTE": f"{REQUESTS_PER_MINUTE}",
    }
    if variable == "BITOPRO_STALE_AFTER":
        return f"{STALE_AFTER_POLLS} intervals"
    return code(special.get(variable, variable_defaults().get(variable, "")))
