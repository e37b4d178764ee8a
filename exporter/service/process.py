"""One process from start to end: what is checked first, then server and pollers together."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import certifi

from exporter.clock import Clock
from exporter.config.files import (
    MAX_CERTIFICATES_BYTES,
    path_of_content,
    read_regular_file,
)
from exporter.config.model import AUTHORITIES_VARIABLE
from exporter.config.settings import Settings, load_settings
from exporter.config.shards import MAX_SHARDS, Shard
from exporter.crash import ExitOnFailure
from exporter.errors import EXIT_INTERNAL, ConfigurationError, UnableError, error_text
from exporter.logs import LogFormat, LogWriter
from exporter.metrics.exporter import ExporterMetrics, ExporterStatus
from exporter.metrics.page import Exposition
from exporter.polling.manager import PollerManager
from exporter.polling.reload import Reloader, ReloadOptions, read_credentials
from exporter.service.signals import DEFAULT_ENDING, Ending, exit_at_once_on_signal, stop_on_signal
from exporter.service.systemd import SystemdNotifier
from exporter.state import Store
from exporter.web.application import AllowedHosts, Application, AuthMiddleware
from exporter.web.listening import address_problems, is_public
from exporter.web.server import serve
from exporter.web.status_page import StatusPage
from exporter.web.tls import Protection

# Three seconds from the signal to the end are promised; the rest is for a busy machine.
_STOPPING_SECONDS = 2.0

logger = logging.getLogger("exporter")


def run_until_signal(
    serve: Callable[[asyncio.Event], Awaitable[None]],
    log_level: str,
    log_format: LogFormat,
    ending: Ending = DEFAULT_ENDING,
) -> int:
    """Run until a signal of `ending`, or until `serve` has set its event; return the exit code.

    Anything else that ends it is a bug, but for ConfigurationError and UnableError, which are
    passed on.
    """
    writer = LogWriter(log_level, log_format)

    async def until_signal() -> None:
        stopped = asyncio.Event()

        def stop(signal_name: str) -> None:
            logger.info("stopping", extra={"signal": signal_name})
            stopped.set()

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_unhandled)
        stop_on_signal(loop, stop, _STOPPING_SECONDS, ending)
        await serve(stopped)
        if not stopped.is_set():
            raise RuntimeError("the service ended without being asked to")

    try:
        asyncio.run(until_signal())
    except (ConfigurationError, UnableError):
        raise
    except BaseException:
        # Of any kind: a SystemExit out of a library would otherwise choose our exit code.
        logger.exception("ended by a bug; please report it")
        return EXIT_INTERNAL
    finally:
        exit_at_once_on_signal(ending)
        writer.close()
    return 0


# asyncio's own type for the context is a dictionary of anything.
def _log_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio could not hand to anyone, without the values that it would print."""
    logger.error(context["message"], exc_info=context.get("exception"))


def load_configuration(
    config_file: Path | None,
    addresses: Sequence[str] = (),
    choose_shard: Callable[[], Shard] = Shard,
    web_config_file: Path | None = None,
    *,
    resolves_addresses: bool = False,
) -> Settings:
    """Read the settings. Raises ConfigurationError with every problem of any source."""
    shard, problems = _chosen(choose_shard)
    problems += [
        *address_problems(addresses, resolves=resolves_addresses),
        *_problems_of(lambda: Protection(web_config_file)),
        *_problems_of(client_ssl_context),
    ]
    try:
        settings = load_settings(config_file, shard)
    except ConfigurationError as error:
        raise ConfigurationError([*problems, *error.problems]) from error
    if problems:
        raise ConfigurationError(problems)
    return settings


def _chosen(choose_shard: Callable[[], Shard]) -> tuple[Shard, list[str]]:
    try:
        return choose_shard(), []
    except ConfigurationError as error:
        # The file is read all the same, as the smallest shard: one has as few accounts as can be.
        return Shard(0, MAX_SHARDS), list(error.problems)


def _problems_of(attempt: Callable[[], object]) -> list[str]:
    try:
        attempt()
    except ConfigurationError as error:
        return list(error.problems)
    return []


# Read by Python's ssl module.
_KEY_LOG_VARIABLE = "SSLKEYLOGFILE"


async def run_service(  # noqa: PLR0913 - everything it needs is passed in
    settings: Settings,
    sockets: Sequence[socket.socket],
    *,
    telemetry_path: str,
    shows_balances: bool = False,
    clock: Clock,
    stopped: asyncio.Event,
    protection: Protection | None = None,
    reload_options: ReloadOptions | None = None,
    allowed_hosts: AllowedHosts | None = None,
) -> None:
    """Poll and serve until `stopped` is set. Whatever ends any of it before that is a bug.

    Without `reload_options` the configuration stays what it is.
    """
    protection = protection or Protection()
    has_public_address = any(is_public(each) for each in sockets)
    store = Store([])
    status = ExporterStatus(
        is_exposed=lambda: has_public_address and not protection.knows_its_clients(),
        shard=settings.shard,
    )
    status.loaded(clock.wall())
    exposition = Exposition(clock.monotonic, ExporterMetrics(status))
    exit_on_failure = ExitOnFailure(stopped)

    async def serve_pages(pages: AuthMiddleware) -> None:
        with exit_on_failure.over("server"):
            await serve(pages, sockets, stopped.wait, protection.tls)

    # Before anything runs, so that a file that has gone since it was checked is reported as such.
    ssl_context, credentials = client_ssl_context(), read_credentials(settings)

    async with asyncio.TaskGroup() as group:
        manager = PollerManager(
            store=store,
            exposition=exposition,
            ssl_context=ssl_context,
            clock=clock,
            exit_on_failure=exit_on_failure,
            group=group,
        )
        manager.apply(settings, credentials)
        reloader = None
        if reload_options is not None:
            reloader = Reloader(reload_options, manager.apply, status, clock.wall, group)
            reloader.obey_hangups()
        application = Application(
            store,
            exposition,
            telemetry_path,
            StatusPage(clock, telemetry_path, status, shows_balances=shows_balances),
            reloader.reload_by_http if reloader else None,
        )
        supervisor = SystemdNotifier(os.environ, clock.monotonic, store.states)
        group.create_task(supervisor.attend(stopped))
        await group.create_task(serve_pages(AuthMiddleware(application, protection, allowed_hosts)))
        if reloader is not None:
            reloader.stop()
        manager.stop()


def client_ssl_context() -> ssl.SSLContext:
    """Trust what OpenSSL's `SSL_CERT_FILE` names, or else certifi's list of authorities.

    Raises ConfigurationError if that file is no list of authorities, or if TLS keys cannot be
    written to the file of `SSLKEYLOGFILE`.
    """
    path = Path(os.environ.get(AUTHORITIES_VARIABLE, "").strip() or certifi.where())
    content = read_regular_file(AUTHORITIES_VARIABLE, path, MAX_CERTIFICATES_BYTES)
    _require_key_log_that_ends()
    with path_of_content(content, path) as authorities:
        try:
            return ssl.create_default_context(cafile=authorities)
        except OSError as error:
            raise ConfigurationError([_context_problem(path, authorities, error)]) from error


def _context_problem(path: Path, authorities: str | Path, error: OSError) -> str:
    """Return which of the two files OpenSSL could not use."""
    reason = error_text(error)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(authorities)
    except OSError:
        hint = "name a PEM file of certificate authorities, or unset it"
        return f"{AUTHORITIES_VARIABLE}: cannot use {path}: {reason}; {hint}"
    hint = "name a file that can be written, or unset it"
    return f"{_KEY_LOG_VARIABLE}: cannot write TLS keys to the file: {reason}; {hint}"


def _require_key_log_that_ends() -> None:
    """Refuse a fifo, at which OpenSSL would wait for a reader."""
    name = os.environ.get(_KEY_LOG_VARIABLE)
    if name and Path(name).is_fifo():
        raise ConfigurationError([f"{_KEY_LOG_VARIABLE}: {name} is a fifo; name a regular file"])
