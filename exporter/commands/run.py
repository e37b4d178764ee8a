"""`run`: poll the configured accounts and serve their metrics, until a signal comes."""

import argparse
import asyncio
import logging
from collections.abc import Mapping

from exporter import __version__
from exporter.access.protection import Protection
from exporter.clock import Clock
from exporter.command_line.flag_groups import DEFAULT_ADDRESS
from exporter.commands.configured import allowed_hosts, configuration
from exporter.configuration.settings import load_settings
from exporter.configuration.shards import ONLY_SHARD, Shard
from exporter.polling.reloading import Hangup, ReloadOptions, log_warnings
from exporter.service.lifetime import run_until_signal
from exporter.service.running import run_service
from exporter.web.listening import bound_address, is_public, open_sockets, url_of

logger = logging.getLogger("exporter")


def main(options: argparse.Namespace) -> int:
    """Run until a signal comes, and give the exit code."""
    # Before the configuration is read, so that a change since then is not missed.
    hangup = Hangup()
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
                    "balances are open to whoever reaches this address; see --web.config.file",
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
                hangup=hangup,
                is_open_to_http=options.has_lifecycle,
            ),
        )

    return run_until_signal(serve, options.log_level, options.log_format)


def _shard_fields(shard: Shard) -> Mapping[str, str]:
    return {} if shard == ONLY_SHARD else {"shard": f"{shard.number} of 0 to {shard.total - 1}"}
