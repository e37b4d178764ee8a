"""`python -m exporter`, and the installed command."""

import sys

from exporter.signals import exit_at_once_on_signal


def main() -> int:
    """Run the command line, and give the exit code."""
    exit_at_once_on_signal()
    # Half a second of imports, during which a signal must already be heard.
    from exporter import cli  # noqa: PLC0415 - see above

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
