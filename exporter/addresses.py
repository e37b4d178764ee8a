"""Hosts and `host:port` as a person writes them."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_LARGEST_PORT = 65_535
_LONGEST_NAME = 253
_SHOWN = 80
# The underscore is in names of containers.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)


def host_and_port(text: str) -> tuple[str, int]:
    """Return host, empty for every address and without brackets, and port of `host:port`.

    Whether the host exists is not looked up. Raises ValueError, which says what to write.
    """
    host, colon, port = text.rpartition(":")
    problem = None
    if "://" in text:
        problem = "is a URL"
    elif not colon or not port or port.endswith("]"):
        problem = "has no port"
    elif not (port.isascii() and port.isdigit() and int(port[:6]) <= _LARGEST_PORT):
        problem = f"has no port from 0 to {_LARGEST_PORT}"
    elif host == "*":
        problem = f"has a host that is not understood; every address is :{port}"
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        problem = None if _is_ipv6(host) else "has no IPv6 address between its brackets"
    elif ":" in host:
        problem = "has an IPv6 address without brackets" if _is_ipv6(host) else "has several colons"
    elif host and not is_host(host):
        problem = "has a host that is neither a name nor an address"
    if problem is not None:
        shown = text if text.isprintable() else ascii(text)
        raise ValueError(
            f"{shown[:_SHOWN]} is not host:port, such as 127.0.0.1:10061, [::1]:10061 or :10061: "
            f"it {problem}"
        )
    return host, int(port)


def joined(host: str, port: int) -> str:
    """Return `host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_host(text: str) -> bool:
    """Return whether this can be the name of a host, or is an IPv4 address."""
    labels = text.removesuffix(".").split(".")
    if len(text) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return False
    return not labels[-1].isdigit() or is_address(text)


def is_address(text: str) -> bool:
    """Return whether this is an IPv4 or IPv6 address, without brackets."""
    return _address(text) is not None


def is_loopback(host: str) -> bool:
    """Return whether this is `localhost` or an address that only this machine reaches."""
    address = _address(host)
    if address is None:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_every_address(host: str) -> bool:
    """Return whether to listen on this is to listen on every address: empty, 0.0.0.0 or `::`."""
    address = _address(host)
    return not host if address is None else address.is_unspecified


def _is_ipv6(text: str) -> bool:
    return isinstance(_address(text), IPv6Address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
