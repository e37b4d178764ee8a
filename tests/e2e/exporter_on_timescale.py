"""The exporter with its pauses divided: `python -m tests.e2e.exporter_on_timescale FACTOR FLAG...`.

Intervals and limits are settings. What is written into it is how long it stays away from an
exchange that refuses it.
"""

import sys

from exporter.cli.main import main
from exporter.polling import poller

if __name__ == "__main__":
    factor = float(sys.argv[1])
    poller.SLOW_SECONDS /= factor
    poller.MAX_RETRY_AFTER_SECONDS /= factor
    sys.exit(main(sys.argv[2:]))
