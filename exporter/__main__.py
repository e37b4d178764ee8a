"""`python -m exporter`, and the installed command."""

import gc
from typing import NoReturn

from exporter.service.signals import end, exit_at_once_on_signal


def main() -> NoReturn:
    """Run the command line, and end with its exit code."""
    exit_at_once_on_signal()
    # Half a second of imports, during which a signal must already be heard.
    from exporter.cli.main import main as run_command  # noqa: PLC0415 - see above

    # What imports have made stays to the end. To look at it again in each full collection would
    # stop the loop for some 30 ms, however few accounts there are.
    gc.freeze()
    end(run_command())


if __name__ == "__main__":
    main()
