"""Every flag that is not of the simulator, as a row of a table, and the types of their values."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Literal, TypeVar

from exporter.addresses import host_and_port, is_address, is_host, joined
from exporter.config.shards import MAX_SHARDS
from exporter.config.values import duration_seconds
from exporter.logs import FORMATS, LEVELS

# So many values are listed; there are hundreds of faults.
_FEW = 8
_RESERVED_PATHS = ("/", "/-/healthy", "/-/ready", "/-/reload")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, or an argument without a name. `dest` is where its value is in the parsed options.

    `default` is written as on the command line, and parsed alike; that of a repeatable flag is not
    in the options, but applied by the command. `reason` says why it is the default.
    """

    option: str
    dest: str
    help: str
    kind: Literal["value", "values", "switch", "argument"] = "value"
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    reason: str = ""
    parse: Callable[[str], object] = str

    @property
    def written(self) -> str:
        """Return how it is written: --name=VALUE, or the values where there are few."""
        if self.kind in ("switch", "argument"):
            return self.option
        value = "|".join(self.choices) if 0 < len(self.choices) <= _FEW else self.metavar
        return f"{self.option}={value}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the flag to a parser."""
        meaning = self.help
        if self.default is not None:
            meaning += f" (default: {', '.join(filter(None, (self.default, self.reason)))})"
        meaning = meaning.replace("%", "%%")
        if self.kind == "argument":
            parser.add_argument(self.dest, metavar=self.option, type=self.parse, help=meaning)
            return
        if self.kind == "switch":
            parser.add_argument(self.option, dest=self.dest, action="store_true", help=meaning)
            return
        parser.add_argument(
            self.option,
            dest=self.dest,
            action="append" if self.kind == "values" else "store",
            # argparse would append to a default instead of replacing it.
            default=None if self.kind == "values" else self.default,
            type=self.parse,
            choices=self.choices or None,
            metavar=self.metavar,
            help=meaning,
        )


def _argument(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Return the same function with an error whose text argparse shows."""

    @wraps(read)
    def parse(text: str) -> _T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


duration = _argument(duration_seconds)
address = _argument(host_and_port)


@_argument
def telemetry_path(text: str) -> str:
    """Return a path that the metrics can have."""
    if not text.startswith("/") or text in _RESERVED_PATHS or not text.isascii():
        raise ValueError(
            f"a path such as /metrics was expected, and none of {', '.join(_RESERVED_PATHS)}"
        )
    return text


@_argument
def address_text(text: str) -> str:
    """Return `host:port` as it was written."""
    host_and_port(text)
    return text


@_argument
def target(text: str) -> str:
    """Return `host:port` as it was written, where an empty host leads nowhere."""
    host, _ = host_and_port(text)
    if not host:
        raise ValueError(f"{text} has no host; write it as Prometheus reaches it")
    return text


@_argument
def host_name(text: str) -> str:
    """Return the name or the address of a host, or `*`."""
    if text != "*" and not is_host(text) and not is_address(text.strip("[]")):
        raise ValueError(
            "a name such as exporter.example.com was expected, without scheme and port, or *"
        )
    return text


@_argument
def http_url(text: str) -> str:
    """Return a URL that can be asked. The message does not repeat it: it may hold a password."""
    import httpx  # noqa: PLC0415 - takes a while to import, and only `drill` asks URLs

    try:
        url = httpx.Request("GET", text).url
        host_and_port(joined(url.raw_host.decode(), url.port or 0))
        is_good = url.scheme in ("http", "https") and bool(url.host)
        is_good = is_good and not (url.query or url.fragment)
    except (httpx.InvalidURL, ValueError):
        is_good = False
    if not is_good:
        raise ValueError("a URL such as http://127.0.0.1:9090 was expected")
    return text


def _count_in(lowest: int, highest: int) -> Callable[[str], int]:
    @_argument
    def count(text: str) -> int:
        if not (text.isascii() and text.isdigit() and lowest <= int(text[:6]) <= highest):
            raise ValueError(f"a whole number from {lowest} to {highest} was expected")
        return int(text)

    return count


class OutputFormat(StrEnum):
    """For people, for programs, for the textfile collector of node_exporter."""

    TABLE = "table"
    JSON = "json"
    PROM = "prom"


DEFAULT_ADDRESS = "127.0.0.1:10061"

_LOG_LEVEL = Flag(
    "--log.level", "log_level", "least severe lines to log", choices=tuple(LEVELS), default="info"
)
_LOG_FORMAT = Flag(
    "--log.format", "log_format", "form of a log line", choices=FORMATS, default="logfmt"
)
LOG_FLAGS = (_LOG_LEVEL, _LOG_FORMAT)
# Of commands whose result is what they print.
QUIET_LOG_FLAGS = (replace(_LOG_LEVEL, default="error"), _LOG_FORMAT)

ACCOUNT_FLAGS = (
    Flag(
        "--config.file",
        "config_file",
        "YAML file of accounts; without it, one account comes from the environment: "
        "BITOPRO_API_KEY, BITOPRO_API_SECRET and BITOPRO_EMAIL, each also as ..._FILE",
        metavar="FILE",
        parse=Path,
    ),
    Flag(
        "--shard",
        "shard",
        "which of the shards this is, counted from 0; each has accounts of its own",
        metavar="N",
        parse=_count_in(0, MAX_SHARDS - 1),
    ),
    Flag(
        "--shard-from-hostname",
        "shard_from_hostname",
        "take that number from the end of the host's name, which a StatefulSet makes so",
        kind="switch",
    ),
    Flag(
        "--total-shards",
        "total_shards",
        "how many shards share the accounts; every one of them has to run",
        metavar="M",
        parse=_count_in(1, MAX_SHARDS),
    ),
)

PAGE_FLAGS = (
    Flag(
        "--web.listen-address",
        "listen_addresses",
        "where to serve; repeatable; :10061 means every address",
        kind="values",
        metavar="HOST:PORT",
        default=DEFAULT_ADDRESS,
        reason="because balances are private",
    ),
    Flag(
        "--web.allowed-hosts",
        "allowed_hosts",
        "serve under this name (the header Host) as well; repeatable; * is every name; "
        "otherwise loopback is served under its own names only, other addresses under any",
        kind="values",
        metavar="NAME",
        parse=host_name,
    ),
    Flag(
        "--web.telemetry-path",
        "telemetry_path",
        "where the metrics are",
        metavar="PATH",
        default="/metrics",
        parse=telemetry_path,
    ),
    Flag(
        "--web.show-balances",
        "show_balances",
        "show ratio and balances on the status page as well, and not only among the metrics",
        kind="switch",
    ),
    *LOG_FLAGS,
)

RUN_FLAGS = (
    *ACCOUNT_FLAGS,
    Flag(
        "--web.config.file",
        "web_config_file",
        "YAML file of TLS, users and headers of our own pages, in the exporter-toolkit's form",
        metavar="FILE",
        parse=Path,
    ),
    Flag(
        "--web.enable-lifecycle",
        "has_lifecycle",
        "reload the configuration at POST /-/reload, too; SIGHUP always does",
        kind="switch",
    ),
    *PAGE_FLAGS,
)

CHECK_FLAGS = (
    Flag("--offline", "offline", "validate the configuration only; nothing is sent", kind="switch"),
    # So that it sees the same.
    *RUN_FLAGS,
)

ONCE_FLAGS = (
    *ACCOUNT_FLAGS,
    Flag(
        "--output",
        "output",
        "for people, for programs, or for the textfile collector of node_exporter",
        choices=tuple(each.value for each in OutputFormat),
        default="table",
    ),
    *QUIET_LOG_FLAGS,
)

DRILL_FLAGS = (
    Flag(
        "--prometheus.url",
        "prometheus_url",
        "your Prometheus, to report which alerts fire; without it, watch for them yourself",
        metavar="URL",
        parse=http_url,
    ),
    Flag(
        "--alertmanager.url",
        "alertmanager_url",
        "your Alertmanager, to report which alerts reach it",
        metavar="URL",
        parse=http_url,
    ),
    Flag(
        "--targets-folder",
        "targets_folder",
        "where Prometheus looks for a drill: targets/ beside its configuration",
        metavar="FOLDER",
        default="/etc/prometheus/targets",
        parse=Path,
    ),
    Flag(
        "--web.listen-address",
        "listen_address",
        "where the drill serves its metrics",
        metavar="HOST:PORT",
        default="127.0.0.1:10062",
        parse=address_text,
    ),
    Flag(
        "--target",
        "target",
        "the same address as Prometheus reaches it, if it is another",
        metavar="HOST:PORT",
        parse=target,
    ),
    Flag(
        "--patience",
        "patience",
        "how long to wait for what is expected of a stage, before the drill ends as failed",
        metavar="DURATION",
        default="20m",
        reason="which is far more than any stage needs with the shipped rules",
        parse=duration,
    ),
    *QUIET_LOG_FLAGS,
)

ASSETS_FLAGS = (
    Flag("DIR", "folder", "the folder to write to; made if it is missing", "argument", parse=Path),
    Flag("--force", "is_forced", "overwrite files that differ", "switch"),
)

HEALTHCHECK_FLAGS = (
    Flag(
        "--web.listen-address",
        "listen_address",
        "its own --web.listen-address",
        metavar="HOST:PORT",
        default=DEFAULT_ADDRESS,
        parse=address,
    ),
    Flag(
        "--tls",
        "is_tls",
        "it serves over TLS; on loopback, whatever its certificate says",
        kind="switch",
    ),
)
