"""`run`: poll the configured accounts and serve their metrics."""

import argparse
import asyncio
import logging
import socket
from collections.abc import Mapping

from exporter import __version__
from exporter.addresses import host_and_port
from exporter.cli.flags import DEFAULT_ADDRESS
from exporter.clock import Clock
from exporter.config.settings import Settings, load_settings
from exporter.config.shards import ONLY_SHARD, Shard, chosen_shard
from exporter.polling.reload import ReloadOptions, ReloadSignal, log_warnings
from exporter.service.process import load_configuration, run_service, run_until_signal
from exporter.web.application import AllowedHosts
from exporter.web.listening import bound_address, is_public, open_sockets, url_of
from exporter.web.tls import Protection


def shard_of(options: argparse.Namespace) -> Shard:
    """Return the shard that the flags name. Raises ConfigurationError."""
    hostname = socket.gethostname() if options.shard_from_hostname else None
    return chosen_shard(options.shard, options.total_shards, hostname)


def configuration(options: argparse.Namespace) -> Settings:
    """Return what `run` would run. Raises ConfigurationError with every problem of any source."""
    return load_configuration(
        options.config_file,
        options.listen_addresses or (),
        lambda: shard_of(options),
        options.web_config_file,
        # `run` finds that out when it listens, and no name is looked up offline.
        resolves_addresses=options.command == "check" and not options.offline,
    )


def allowed_hosts(options: argparse.Namespace) -> AllowedHosts:
    """Return the names under which pages are served: those that the flags give, and listen on."""
    addresses = options.listen_addresses or ()
    return AllowedHosts(options.allowed_hosts or (), (host_and_port(each)[0] for each in addresses))


logger = logging.getLogger("exporter")


def main(options: argparse.Namespace) -> int:
    """Run until a signal comes; return the exit code."""
    # Before the configuration is read, so that a change since then is not missed.
    reload_signal = ReloadSignal()
    settings = configuration(options)
    protection = Protection(options.web_config_file)
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        logger.info("starting", extra={"version": __version__})
        log_warnings(settings)
        logger.info(
            "configuration loaded",
            extra={
                "source": options.config_file or "environment",
                "accounts": len(settings.accounts),
                **_shard_fields(settings.shard),
            },
        )
        for each in sockets:
            has_tls = protection.scheme == "https"
            address = url_of(each, protection.scheme)
            logger.info("listening", extra={"address": address, "tls": has_tls})
            if is_public(each) and not protection.knows_its_clients():
                logger.warning(
                    "balances are open to anyone who can reach this address; see --web.config.file",
                    extra={"address": bound_address(each)},
                )
        await run_service(
            settings,
            sockets,
            telemetry_path=options.telemetry_path,
            shows_balances=options.show_balances,
            clock=Clock(),
            stopped=stopped,
            protection=protection,
            allowed_hosts=allowed_hosts(options),
            reload_options=ReloadOptions(
                load=lambda: load_settings(options.config_file, settings.shard),
                reload_signal=reload_signal,
                is_open_to_http=options.has_lifecycle,
            ),
        )

    return run_until_signal(serve, options.log_level, options.log_format)


def _shard_fields(shard: Shard) -> Mapping[str, str]:
    return {} if shard == ONLY_SHARD else {"shard": f"{shard.number} of 0 to {shard.total - 1}"}
