"""The flags of the commands, and the types of their values."""

import argparse
from enum import StrEnum
from pathlib import Path

from exporter.addresses import host_and_port, is_address, is_host, joined
from exporter.config.shards import MAX_SHARDS
from exporter.config.values import duration_seconds
from exporter.logs import FORMATS, LEVELS

_RESERVED_PATHS = ("/", "/-/healthy", "/-/ready", "/-/reload")


def telemetry_path(text: str) -> str:
    """Return a path that the metrics can have."""
    if not text.startswith("/") or text in _RESERVED_PATHS or not text.isascii():
        raise argparse.ArgumentTypeError(
            f"a path such as /metrics was expected, and none of {', '.join(_RESERVED_PATHS)}"
        )
    return text


def duration(text: str) -> float:
    """Return a duration in seconds."""
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def shard_number(text: str) -> int:
    """Return the number of a shard, counted from 0."""
    return _count(text, 0, MAX_SHARDS - 1)


def shard_total(text: str) -> int:
    """Return a number of shards."""
    return _count(text, 1, MAX_SHARDS)


def address(text: str) -> tuple[str, int]:
    """Return host, empty for every address, and port."""
    try:
        return host_and_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def address_text(text: str) -> str:
    """Return `host:port` as it was written."""
    address(text)
    return text


def target(text: str) -> str:
    """Return `host:port` as it was written, where an empty host leads nowhere."""
    host, _ = address(text)
    if not host:
        raise argparse.ArgumentTypeError(f"{text} has no host; write it as Prometheus reaches it")
    return text


def host_name(text: str) -> str:
    """Return the name or the address of a host, or `*`."""
    if text != "*" and not is_host(text) and not is_address(text.strip("[]")):
        raise argparse.ArgumentTypeError(
            "a name such as exporter.example.com was expected, without scheme and port, or *"
        )
    return text


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
        raise argparse.ArgumentTypeError("a URL such as http://127.0.0.1:9090 was expected")
    return text


def _count(text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text[:6]) <= highest):
        raise argparse.ArgumentTypeError(f"a whole number from {lowest} to {highest} was expected")
    return int(text)


class OutputFormat(StrEnum):
    """For people, for programs, for the textfile collector of node_exporter."""

    TABLE = "table"
    JSON = "json"
    PROM = "prom"


DEFAULT_ADDRESS = "127.0.0.1:10061"

_DRILL_ADDRESS = "127.0.0.1:10062"


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `run`, which `check` takes as well, so that it sees the same."""
    add_config_flag(parser)
    add_shard_flags(parser)
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="YAML file of TLS, users and headers of our own pages, in the exporter-toolkit's form",
    )
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="has_lifecycle",
        action="store_true",
        help="reload the configuration at POST /-/reload, too; SIGHUP always does",
    )
    add_web_flags(parser)


def add_config_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the file of accounts."""
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help="YAML file of accounts; without it, one account comes from the environment: "
        "BITOPRO_API_KEY, BITOPRO_API_SECRET and BITOPRO_EMAIL, each also as ..._FILE",
    )


def add_shard_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose among the accounts."""
    parser.add_argument(
        "--shard",
        type=shard_number,
        metavar="N",
        help="which of the shards this is, counted from 0; each has accounts of its own",
    )
    parser.add_argument(
        "--shard-from-hostname",
        action="store_true",
        help="take that number from the end of the host's name, which a StatefulSet makes so",
    )
    parser.add_argument(
        "--total-shards",
        type=shard_total,
        metavar="M",
        help="how many shards share the accounts; every one of them has to run",
    )


def add_web_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of our own pages."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_addresses",
        action="append",
        metavar="HOST:PORT",
        help="where to serve; repeatable; :10061 means every address "
        f"(default: {DEFAULT_ADDRESS}, because balances are private)",
    )
    parser.add_argument(
        "--web.allowed-hosts",
        dest="allowed_hosts",
        action="append",
        type=host_name,
        metavar="NAME",
        help="serve under this name (the header Host) as well; repeatable; * is every name; "
        "otherwise loopback is served under its own names only, other addresses under any",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        type=telemetry_path,
        default="/metrics",
        metavar="PATH",
        help="where the metrics are (default: %(default)s)",
    )
    parser.add_argument(
        "--web.show-balances",
        dest="show_balances",
        action="store_true",
        help="show ratio and balances on the status page as well, and not only among the metrics",
    )
    add_log_flags(parser)


def add_drill_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `drill`."""
    parser.add_argument(
        "--prometheus.url",
        dest="prometheus_url",
        type=http_url,
        metavar="URL",
        help="your Prometheus, to report which alerts fire; without it, watch for them yourself",
    )
    parser.add_argument(
        "--alertmanager.url",
        dest="alertmanager_url",
        type=http_url,
        metavar="URL",
        help="your Alertmanager, to report which alerts reach it",
    )
    parser.add_argument(
        "--targets-folder",
        type=Path,
        default=Path("/etc/prometheus/targets"),
        metavar="FOLDER",
        help="where Prometheus looks for a drill: targets/ beside its configuration "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        type=address_text,
        default=_DRILL_ADDRESS,
        metavar="HOST:PORT",
        help="where the drill serves its metrics (default: %(default)s)",
    )
    parser.add_argument(
        "--target",
        type=target,
        metavar="HOST:PORT",
        help="the same address as Prometheus reaches it, if it is another",
    )
    parser.add_argument(
        "--patience",
        type=duration,
        default="20m",
        metavar="DURATION",
        help="how long to wait for what is expected of a stage, before the drill ends as failed "
        "(default: %(default)s, which the recovery needs with the shipped rules)",
    )


def add_healthcheck_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `healthcheck`."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        type=address,
        default=DEFAULT_ADDRESS,
        metavar="HOST:PORT",
        help="its own --web.listen-address (default: %(default)s)",
    )
    parser.add_argument(
        "--tls",
        dest="is_tls",
        action="store_true",
        help="it serves over TLS; on loopback, whatever its certificate says",
    )


def add_log_flags(parser: argparse.ArgumentParser, default: str = "info") -> None:
    """Add the flags of the log."""
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=LEVELS,
        default=default,
        help="least severe lines to log (default: %(default)s)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=FORMATS,
        default="logfmt",
        help="form of a log line (default: %(default)s)",
    )
