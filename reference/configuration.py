"""docs/configuration.md, from the settings and the command line."""

from collections.abc import Iterator

from exporter.bitopro.rate_limit import REQUESTS_PER_MINUTE
from exporter.cli.flags import Flag
from exporter.cli.parser import commands
from exporter.config.checks import STALE_AFTER_POLLS
from exporter.config.environment import variable_defaults, variable_descriptions
from exporter.config.settings import DEFAULT_POLL_INTERVAL_SECONDS
from exporter.config.values import description_of
from exporter.config.yaml_file import ACCOUNT_KEYS, FILE_KEYS, THRESHOLD_KEYS
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
    yield table(
        ("variable", "default", "meaning"),
        [
            (code(name), _default(name), meaning)
            for name, meaning in variable_descriptions().items()
        ],
    )
    yield _FILE
    yield table(("key", "default", "meaning"), list(_keys()))
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


def _default(variable: str) -> str:
    special = {
        "BITOPRO_POLL_INTERVAL": f"{DEFAULT_POLL_INTERVAL_SECONDS:g}s",
        "BITOPRO_HIDE_ACCOUNT_ID": "false",
        "BITOPRO_REQUESTS_PER_MINUTE": f"{REQUESTS_PER_MINUTE}",
    }
    if variable == "BITOPRO_STALE_AFTER":
        return f"{STALE_AFTER_POLLS} intervals"
    return code(special.get(variable, variable_defaults().get(variable, "")))


def _keys() -> Iterator[tuple[str, str, str]]:
    for key in FILE_KEYS:
        if key != "accounts":
            yield code(key), _default(f"BITOPRO_{key.upper()}"), description_of(key)
    for key in ACCOUNT_KEYS:
        if key == "name":
            yield code("accounts[].name"), "required", description_of("account")
        elif key != "thresholds":
            required = "required" if key in ("api_key_file", "api_secret_file") else ""
            default = required or _default(f"BITOPRO_{key.upper()}")
            yield code(f"accounts[].{key}"), default, description_of(key)
    for key in THRESHOLD_KEYS:
        name = f"threshold_{key}"
        yield (
            code(f"accounts[].thresholds.{key}"),
            _default(f"BITOPRO_{name.upper()}"),
            description_of(name),
        )
