"""The running exporter: one task group of a server and the pollers."""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import certifi

from exporter.access.protection import Protection
from exporter.clock import Clock
from exporter.configuration.files import (
    MAX_CERTIFICATES_BYTES,
    path_of_content,
    read_regular_file,
)
from exporter.configuration.meanings import AUTHORITIES_VARIABLE
from exporter.configuration.settings import Settings
from exporter.errors import ConfigurationError
from exporter.metrics.exporter import ExporterMetrics, ExporterStatus
from exporter.metrics.page import Exposition
from exporter.polling.fleet import Fleet
from exporter.polling.reloading import Reloader, ReloadOptions, read_credentials
from exporter.polling.vigil import Vigil
from exporter.service.supervision import Supervisor
from exporter.state.store import Store
from exporter.web.application import Application
from exporter.web.door import AllowedHosts, Door
from exporter.web.listening import is_public
from exporter.web.serving import serve
from exporter.web.status_page import StatusPage

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
    vigil = Vigil(stopped)

    async def serve_pages(pages: Door) -> None:
        with vigil.over("server"):
            await serve(pages, sockets, stopped.wait, protection.tls)

    # Before anything runs, so that a file that has gone since it was checked is told as such.
    ssl_context, credentials = client_ssl_context(), read_credentials(settings)

    async with asyncio.TaskGroup() as group:
        fleet = Fleet(
            store=store,
            exposition=exposition,
            ssl_context=ssl_context,
            clock=clock,
            vigil=vigil,
            group=group,
        )
        fleet.apply(settings, credentials)
        reloader = None
        if reload_options is not None:
            reloader = Reloader(reload_options, fleet.apply, status, clock.wall, group)
            reloader.obey_hangups()
        application = Application(
            store,
            exposition,
            telemetry_path,
            StatusPage(clock, telemetry_path, status, shows_balances=shows_balances),
            reloader.reload_by_http if reloader else None,
        )
        supervisor = Supervisor(os.environ, clock.monotonic, store.states)
        group.create_task(supervisor.attend(stopped))
        await group.create_task(serve_pages(Door(application, protection, allowed_hosts)))
        if reloader is not None:
            reloader.stop()
        fleet.stop()


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
    """Tell which of the two files it is that OpenSSL could not use."""
    reason = error.strerror or str(error)
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
