"""Listening sockets from `--web.listen-address`, with an error a person can act on."""

import socket
from collections.abc import Iterable
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL

from exporter.addresses import host_and_port, is_every_address, is_loopback, joined
from exporter.errors import ConfigurationError, UnableError, error_text

_FLAG = "--web.listen-address"
_BACKLOG = 512
_EVERY_IPV4_ADDRESS = "0.0.0.0"  # noqa: S104 - compared
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
    return not is_loopback(listening.getsockname()[0])


def is_public_address(address: str) -> bool:
    """Return the same for a `host:port` that nothing listens on yet; a name counts as public."""
    return not is_loopback(host_and_port(address)[0])


def url_of(listening: socket.socket, scheme: str = "http") -> str:
    """Return the URL under which a person on this machine reaches the socket."""
    host, port = listening.getsockname()[:2]
    return f"{scheme}://{joined('localhost' if is_every_address(host) else host, port)}"


def bound_address(listening: socket.socket) -> str:
    """Return `host:port` as it was bound, which says who may reach it."""
    return joined(*listening.getsockname()[:2])


def _open_socket(address: str) -> socket.socket:
    host, port = host_and_port(address)
    try:
        if is_every_address(host):
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
