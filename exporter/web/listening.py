"""Listening sockets from `--web.listen-address`, with an error a person can act on."""

import re
import socket
from collections.abc import Iterable
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL
from ipaddress import IPv6Address, ip_address

from exporter.errors import ConfigurationError, UnableError, error_text

_FLAG = "--web.listen-address"
_BACKLOG = 512
_LARGEST_PORT = 65_535
_LONGEST_NAME = 253
_SHOWN = 80
_EVERY_IPV4_ADDRESS = "0.0.0.0"  # noqa: S104 - compared
# The underscore is in names of containers.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII | re.IGNORECASE)
_HINTS = {
    EACCES: "; choose a port above 1023",
    EADDRINUSE: "; choose another port, or end what has it; [::] and an empty host have every "
    "address already",
    EADDRNOTAVAIL: "; write an address of this machine, or :10061 for every address",
}


class ListenError(UnableError):
    """An address cannot be listened on: it is not ours, or taken."""


def open_sockets(addresses: Iterable[str]) -> list[socket.socket]:
    """Bind and listen on each `host:port`; an empty host means every address.

    Raises ConfigurationError for those that are malformed, and ListenError for the first that
    fails, after closing those opened before.
    """
    addresses = list(addresses)
    if problems := address_problems(addresses):
        raise ConfigurationError(problems)
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_open_socket(address))  # noqa: PERF401 - the list is needed on failure
    except ListenError:
        for each in sockets:
            each.close()
        raise
    return sockets


def address_problems(addresses: Iterable[str], *, resolves: bool = False) -> list[str]:
    """Return a sentence for each address that is malformed or, if `resolves`, has no such host."""
    problems: list[str] = []
    for address in addresses:
        try:
            host, port = host_and_port(address)
            if resolves and host:
                socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            problems.append(f"{_FLAG}: {_unknown_host(address, error)}")
        except ValueError as error:
            problems.append(f"{_FLAG}: {error}")
    return problems


def is_public(listening: socket.socket) -> bool:
    """Return whether other machines may reach the socket."""
    return not _is_loopback(listening.getsockname()[0])


def is_public_address(address: str) -> bool:
    """Return the same for a `host:port` that nothing listens on yet; a name counts as public."""
    host, _ = host_and_port(address)
    try:
        return not host or not _is_loopback(host)
    except ValueError:
        return host != "localhost"


def url_of(listening: socket.socket, scheme: str = "http") -> str:
    """Return the URL under which a person on this machine reaches the socket."""
    host, port = listening.getsockname()[:2]
    if host in ("::", "0.0.0.0"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def bound_address(listening: socket.socket) -> str:
    """Return `host:port` as it was bound, which says who may reach it."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    return ip_address(host.partition("%")[0]).is_loopback


def _open_socket(address: str) -> socket.socket:
    host, port = host_and_port(address)
    try:
        if not host or _is_every_address(host):
            # Both families, as exporters in Go have it for [::] as well.
            is_dual = socket.has_dualstack_ipv6() and host != _EVERY_IPV4_ADDRESS
            bound, family = host, socket.AF_INET6 if is_dual else socket.AF_INET
            return socket.create_server(
                (bound, port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual
            )
        # Whatever the name has, IPv4 first, as `localhost` is understood elsewhere.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, bound_to = min(found, key=lambda each: each[0] != socket.AF_INET)
        return socket.create_server(bound_to, family=family, backlog=_BACKLOG)
    except socket.gaierror as error:
        raise ListenError(f"{_FLAG}: {_unknown_host(address, error)}") from error
    except OSError as error:
        raise ListenError(
            f"{_FLAG}: cannot listen on {address}: {error_text(error)}"
            f"{_HINTS.get(error.errno or 0, '')}"
        ) from error


def _unknown_host(address: str, error: OSError) -> str:
    return (
        f"cannot listen on {address}: {error_text(error)}; write an address of this machine, "
        "such as 127.0.0.1:10061, or :10061 for every address"
    )


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


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
        return _refuse(text, f"has a host that is not understood; every address is :{port}")
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        problem = None if _is_ipv6(host) else "has no IPv6 address between its brackets"
    elif ":" in host:
        problem = "has an IPv6 address without brackets" if _is_ipv6(host) else "has several colons"
    elif host and not is_host(host):
        problem = "has a host that is neither a name nor an address"
    if problem is not None:
        return _refuse(text, problem)
    return host, int(port)


def is_host(text: str) -> bool:
    """Return whether this can be the name of a host, or is an IPv4 address."""
    labels = text.removesuffix(".").split(".")
    if len(text) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return False
    if not labels[-1].isdigit():
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _refuse(text: str, problem: str) -> tuple[str, int]:
    shown = text if text.isprintable() else ascii(text)
    raise ValueError(
        f"{shown[:_SHOWN]} is not host:port, such as 127.0.0.1:10061, [::1]:10061 or :10061: "
        f"it {problem}"
    )


def _is_ipv6(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv6Address)
    except ValueError:
        return False
