"""What this machine is worth at the moment, for promises that have a time in them."""

import time

_SAMPLE_SECONDS = 0.05


def slowdown() -> float:
    """Return how many times longer than alone a process takes now; 1 on an idle machine."""
    started, used = time.monotonic(), time.process_time()
    while time.process_time() - used < _SAMPLE_SECONDS:
        pass
    return max(1.0, (time.monotonic() - started) / _SAMPLE_SECONDS)
