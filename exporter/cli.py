"""The sub-commands, and the exit codes they end with.

Exit codes: 0 fine, 1 something outside stands in the way, 2 usage, 70 a bug, 78 configuration (the
last two after sysexits.h).
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from exporter import __version__
from exporter.account import DRILL_ACCOUNT
from exporter.clock import Clock
from exporter.demo import demo_simulator, run_demo
from exporter.drill import run_drill
from exporter.errors import ConfigurationError, UnableError
from exporter.flags import DEFAULT_ADDRESS, parse_arguments
from exporter.listening import ListenError, open_sockets, url_of
from exporter.logs import LogWriter
from exporter.service import EXIT_INTERNAL, run_service
from exporter.settings import load_settings
from exporter.signals import exit_at_once_on_signal, stop_on_signal
from exporter.simulator import FAULTS, Simulator, SimulatorConfig
from exporter.telling import complain, tell
from exporter.tracebacks import traceback_text
from exporter.watchers import Watchers

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78

# Three seconds from the signal to the end are promised; the rest is for a busy machine.
_STOPPING_SECONDS = 2.0

logger = logging.getLogger("exporter")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command, `run` by default, and give the exit code."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    command = {"run": _run, "demo": _demo, "simulate": _simulate, "drill": _drill}[options.command]
    try:
        return command(options)
    except ConfigurationError as error:
        complain("".join(f"error: {problem}\n" for problem in error.problems))
        return EXIT_CONFIGURATION
    except UnableError as error:
        complain(f"error: {error}\n")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - Python's own traceback could show a secret
        complain(f"error: a bug; please report it\n{traceback_text(error)}\n")
        return EXIT_INTERNAL


def _run(options: argparse.Namespace) -> int:
    try:
        settings = load_settings(options.config_file)
    except ConfigurationError as error:
        hint = "to see it work without an account, run: bitopro-margin-exporter demo"
        raise ConfigurationError([*error.problems, hint]) from error
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        logger.info("starting", extra={"version": __version__})
        for warning in settings.warnings:
            logger.warning("careless configuration", extra={"detail": warning})
        logger.info("configuration loaded", extra={"accounts": len(settings.accounts)})
        for each in sockets:
            logger.info("listening", extra={"address": url_of(each), "tls": False})
        await run_service(
            settings,
            sockets,
            telemetry_path=options.telemetry_path,
            clock=Clock(),
            stopped=stopped,
        )

    return _run_until_signal(options, serve)


def _demo(options: argparse.Namespace) -> int:
    config = _simulator_config(lambda: demo_simulator(options.scenario, options.speed))
    sockets = open_sockets(options.listen_addresses or [DEFAULT_ADDRESS])

    async def serve(stopped: asyncio.Event) -> None:
        await run_demo(
            config,
            sockets,
            telemetry_path=options.telemetry_path,
            clock=Clock(),
            stopped=stopped,
        )

    return _run_until_signal(options, serve)


def _simulate(options: argparse.Namespace) -> int:
    if options.fault_list:
        faults = FAULTS.values()
        tell("".join(f"{each.group:8}{each.name:40}{each.summary}\n" for each in faults))
        return 0
    host, port = options.listen_address
    config = _simulator_config(
        lambda: SimulatorConfig(
            host=host,
            port=port,
            scenario=options.scenario,
            speed=options.speed,
            accounts=options.accounts,
            currencies=options.currencies,
            rate_limit=options.rate_limit,
            fault=options.fault,
        )
    )

    async def serve(stopped: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            try:
                simulator = await stack.enter_async_context(Simulator(config))
            except OSError as error:
                reason = error.strerror or str(error)
                raise ListenError(f"--listen-address: {reason}") from error
            tell(f"simulated exchange at {simulator.base_url}\n")
            await stopped.wait()

    return _run_until_signal(options, serve)


def _drill(options: argparse.Namespace) -> int:
    if options.alertmanager_url and not options.prometheus_url:
        raise ConfigurationError(["--alertmanager.url: needs --prometheus.url as well"])
    sockets = open_sockets([options.listen_address])
    has_passed = False

    async def play(stopped: asyncio.Event) -> None:
        nonlocal has_passed
        watchers = (
            Watchers(DRILL_ACCOUNT, options.prometheus_url, options.alertmanager_url)
            if options.prometheus_url
            else None
        )
        has_passed = await run_drill(
            sockets,
            targets_folder=options.targets_folder,
            target=options.target or url_of(sockets[0]).removeprefix("http://"),
            watchers=watchers,
            patience_seconds=options.patience,
            clock=Clock(),
            stopped=stopped,
        )

    code = _run_until_signal(options, play)
    return code if code or has_passed else EXIT_FAILED


def _simulator_config(build: Callable[[], SimulatorConfig]) -> SimulatorConfig:
    try:
        return build()
    except ValueError as error:
        raise ConfigurationError([str(error)]) from error


def _run_until_signal(
    options: argparse.Namespace, serve: Callable[[asyncio.Event], Awaitable[None]]
) -> int:
    """Run until SIGTERM or SIGINT, which end it well; anything else that ends it is a bug."""
    writer = LogWriter(options.log_level, options.log_format)

    async def until_signal() -> None:
        stopped = asyncio.Event()

        def stop(signal_name: str) -> None:
            logger.info("stopping", extra={"signal": signal_name})
            stopped.set()

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_unhandled)
        stop_on_signal(loop, stop, _STOPPING_SECONDS)
        await serve(stopped)
        if not stopped.is_set():
            raise RuntimeError("the service ended without being told to")

    try:
        asyncio.run(until_signal())
    except UnableError:
        raise
    except BaseException:
        # Of any kind: a SystemExit out of a library would otherwise choose our exit code.
        logger.exception("ended by a bug; please report it")
        return EXIT_INTERNAL
    finally:
        exit_at_once_on_signal()
        writer.close()
    return 0


# asyncio's own type for the context is a dictionary of anything.
def _log_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio could not hand to anyone, without the values that it would print."""
    logger.error(context["message"], exc_info=context.get("exception"))
