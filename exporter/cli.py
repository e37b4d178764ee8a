"""The sub-commands, and the exit codes they end with.

Exit codes: 0 fine, 1 something outside stands in the way, or a poll failed, 2 usage, 70 a bug, 78
configuration (the last two after sysexits.h).
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.account import DRILL_ACCOUNT
from exporter.clock import Clock
from exporter.errors import ConfigurationError, UnableError
from exporter.flags import DEFAULT_ADDRESS, parse_arguments
from exporter.lifetime import run_until_signal
from exporter.listening import ListenError, open_sockets, url_of
from exporter.service import EXIT_INTERNAL, run_service
from exporter.settings import Settings, load_settings
from exporter.telling import complain, tell
from exporter.tracebacks import traceback_text

if TYPE_CHECKING:
    from exporter.simulator import SimulatorConfig

# What only other commands need is imported by them, so that `run` starts sooner and is smaller.

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78

logger = logging.getLogger("exporter")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command, `run` by default, and give the exit code."""
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    command = {
        "run": _run,
        "once": _once,
        "demo": _demo,
        "simulate": _simulate,
        "drill": _drill,
    }[options.command]
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


def _settings(options: argparse.Namespace) -> Settings:
    try:
        return load_settings(options.config_file)
    except ConfigurationError as error:
        hint = "to see it work without an account, run: bitopro-margin-exporter demo"
        raise ConfigurationError([*error.problems, hint]) from error


def _run(options: argparse.Namespace) -> int:
    settings = _settings(options)
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

    return run_until_signal(serve, options.log_level, options.log_format)


def _once(options: argparse.Namespace) -> int:
    from exporter.once import Visit, visit_until  # noqa: PLC0415 - see above
    from exporter.once_forms import failures, is_colour_wanted, printed  # noqa: PLC0415 - see above

    settings = _settings(options)
    visits: tuple[Visit, ...] | None = None

    async def look(stopped: asyncio.Event) -> None:
        nonlocal visits
        visits = await visit_until(stopped, settings, Clock())

    code = run_until_signal(look, options.log_level, options.log_format)
    if code:
        return code
    if visits is None:
        raise UnableError("stopped before every account was asked")
    complain("".join(f"warning: {warning}\n" for warning in settings.warnings))
    tell(printed(visits, options.output, is_coloured=is_colour_wanted()))
    problems = failures(visits)
    complain("".join(f"error: {problem}\n" for problem in problems))
    return EXIT_FAILED if problems else 0


def _demo(options: argparse.Namespace) -> int:
    from exporter.demo import demo_simulator, run_demo  # noqa: PLC0415 - see above

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

    return run_until_signal(serve, options.log_level, options.log_format)


def _simulate(options: argparse.Namespace) -> int:
    from exporter.simulator import FAULTS, Simulator, SimulatorConfig  # noqa: PLC0415 - see above

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
            fault_endpoint=options.fault_endpoint,
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

    return run_until_signal(serve, options.log_level, options.log_format)


def _drill(options: argparse.Namespace) -> int:
    from exporter.drill import run_drill  # noqa: PLC0415 - see above
    from exporter.watchers import Watchers  # noqa: PLC0415 - see above

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
        try:
            has_passed = await run_drill(
                sockets,
                targets_folder=options.targets_folder,
                target=options.target or url_of(sockets[0]).removeprefix("http://"),
                watchers=watchers,
                patience_seconds=options.patience,
                clock=Clock(),
                stopped=stopped,
            )
        finally:
            if watchers is not None:
                await watchers.aclose()

    code = run_until_signal(play, options.log_level, options.log_format)
    return code if code or has_passed else EXIT_FAILED


def _simulator_config(build: "Callable[[], SimulatorConfig]") -> "SimulatorConfig":
    try:
        return build()
    except ValueError as error:
        raise ConfigurationError([str(error)]) from error
