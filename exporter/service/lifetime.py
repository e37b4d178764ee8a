"""How long a command runs: until a signal ends it well, or a bug does not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from exporter.errors import ConfigurationError, UnableError
from exporter.exit_codes import EXIT_INTERNAL
from exporter.logs import LogFormat, LogWriter
from exporter.service.signals import DEFAULT_ENDING, Ending, exit_at_once_on_signal, stop_on_signal

# Three seconds from the signal to the end are promised; the rest is for a busy machine.
_STOPPING_SECONDS = 2.0

logger = logging.getLogger("exporter")


def run_until_signal(
    serve: Callable[[asyncio.Event], Awaitable[None]],
    log_level: str,
    log_format: LogFormat,
    ending: Ending = DEFAULT_ENDING,
) -> int:
    """Run until a signal of `ending`, or until `serve` has set its event, and give the exit code.

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
            raise RuntimeError("the service ended without being told to")

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
