"""How the values of single flags are written, for argparse, which tells the text of an error."""

import argparse
from ipaddress import ip_address

from exporter.configuration.setting_types import duration_seconds
from exporter.configuration.shards import MAX_SHARDS
from exporter.web.listening import host_and_port, is_host

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
    """Return host, empty for every address, and port."""
    try:
        return host_and_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def address_text(text: str) -> str:
    """Return `host:port` as it was written."""
    address(text)
    return text


def target(text: str) -> str:
    """Return `host:port` as it was written, where an empty host leads nowhere."""
    host, _ = address(text)
    if not host:
        raise argparse.ArgumentTypeError(f"{text} has no host; write it as Prometheus reaches it")
    return text


def host_name(text: str) -> str:
    """Return the name or the address of a host, or `*`."""
    if text == "*" or is_host(text):
        return text
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            "a name such as exporter.example.com was expected, without scheme and port, or *"
        ) from None
    return text


def http_url(text: str) -> str:
    """Return a URL that can be asked. The message does not repeat it: it may hold a password."""
    import httpx  # noqa: PLC0415 - takes a while to import, and only `drill` asks URLs

    try:
        url = httpx.Request("GET", text).url
        host_and_port(f"{_bracketed(url.raw_host.decode())}:{url.port or 0}")
        is_good = url.scheme in ("http", "https") and bool(url.host)
        is_good = is_good and not (url.query or url.fragment)
    except (httpx.InvalidURL, ValueError):
        is_good = False
    if not is_good:
        raise argparse.ArgumentTypeError("a URL such as http://127.0.0.1:9090 was expected")
    return text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _count(text: str, lowest: int, highest: int) -> int:
    if not (text.isascii() and text.isdigit() and lowest <= int(text[:6]) <= highest):
        raise argparse.ArgumentTypeError(f"a whole number from {lowest} to {highest} was expected")
    return int(text)
