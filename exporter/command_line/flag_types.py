"""How the values of single flags are written, for argparse, which tells the text of an error."""

import argparse

from exporter.configuration.setting_types import duration_seconds
from exporter.configuration.shards import MAX_SHARDS

_LARGEST_PORT = 65_535
_RESERVED_PATHS = ("/", "/-/healthy", "/-/ready", "/-/reload")


def telemetry_path(text: str) -> str:
    """Give a path that the metrics can have."""
    if not text.startswith("/") or text in _RESERVED_PATHS or not text.isascii():
        raise argparse.ArgumentTypeError(
            f"a path such as /metrics was expected, and none of {', '.join(_RESERVED_PATHS)}"
        )
    return text


def duration(text: str) -> float:
    """Give a duration in seconds."""
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def shard_number(text: str) -> int:
    """Give the number of a shard, counted from 0."""
    return _count(text, 0, MAX_SHARDS - 1)


def shard_total(text: str) -> int:
    """Give a number of shards."""
    return _count(text, 1, MAX_SHARDS)


def address(text: str) -> tuple[str, int]:
    """Give host, empty for every address, and port."""
    host, colon, port = text.rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and int(port[:6]) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError(
            f"{text} is not host:port, such as 127.0.0.1:18061 or :18061"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _count(text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text[:6]) <= highest):
        raise argparse.ArgumentTypeError(f"a whole number from {lowest} to {highest} was expected")
    return int(text)
