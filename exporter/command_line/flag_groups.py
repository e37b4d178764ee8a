"""Groups of flags, each for the commands that share it."""

import argparse
from pathlib import Path

from exporter.command_line.flag_types import (
    address,
    address_text,
    duration,
    host_name,
    http_url,
    shard_number,
    shard_total,
    target,
    telemetry_path,
)
from exporter.logs import FORMATS, LEVELS

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
        help="how long to wait for what is expected of a stage, before the drill is given up "
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
        help="where it serves, as it was told itself (default: %(default)s)",
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
