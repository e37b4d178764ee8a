"""`healthcheck`: ask a running exporter whether it lives."""

import argparse

from exporter.checking.healthcheck import check_health
from exporter.telling import tell


def main(options: argparse.Namespace) -> int:
    """Tell that it lives. Raises UnableError if it does not."""
    host, port = options.listen_address
    check_health(host, port, is_tls=options.is_tls)
    tell("healthy\n")
    return 0
