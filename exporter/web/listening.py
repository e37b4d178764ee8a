"""Listening sockets from `--web.listen-address`, with an error a person can act on."""

import os
import socket
from collections.abc import Iterable
from errno import EADDRINUSE
from ipaddress import ip_address

from exporter.errors import UnableError

_BACKLOG = 512


class ListenError(UnableError):
    """An address cannot be listened on: it is malformed, not ours, or taken."""


def open_sockets(addresses: Iterable[str]) -> list[socket.socket]:
    """Bind and listen on each `host:port`; an empty host means every address.

    Raises ListenError for the first that fails, after closing those opened before.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            sockets.append(_open_socket(address))  # noqa: PERF401 - the list is needed on failure
    except ListenError:
        for each in sockets:
            each.close()
        raise
    return sockets


def address_problems(addresses: Iterable[str]) -> list[str]:
    """Give a sentence for each address that is malformed."""
    problems: list[str] = []
    for address in addresses:
        try:
            _parsed(address)
        except ListenError as error:
            problems.append(str(error))
    return problems


def is_public(listening: socket.socket) -> bool:
    """Tell whether other machines may reach the socket."""
    return not _is_loopback(listening.getsockname()[0])


def is_public_address(address: str) -> bool:
    """Tell the same of a `host:port` that nothing listens on yet; a name counts as public."""
    host, _ = _parsed(address)
    try:
        return not host or not _is_loopback(host)
    except ValueError:
        return host != "localhost"


def url_of(listening: socket.socket, scheme: str = "http") -> str:
    """Give the URL under which a person on this machine reaches the socket."""
    host, port = listening.getsockname()[:2]
    if host in ("::", "0.0.0.0"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def bound_address(listening: socket.socket) -> str:
    """Give `host:port` as it was bound, which says who may reach it."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    return ip_address(host.partition("%")[0]).is_loopback


def _open_socket(address: str) -> socket.socket:
    host, port = _parsed(address)
    is_dual = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual or ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_dual
        )
    except OSError as error:
        # By its number, for Python's own words repeat the address.
        known = error.errno and not isinstance(error, socket.gaierror)
        reason = os.strerror(error.errno or 0) if known else error.strerror or str(error)
        advice = "; choose another port, or end what has it" if error.errno == EADDRINUSE else ""
        raise ListenError(
            f"--web.listen-address: cannot listen on {address}: {reason}{advice}"
        ) from error


def _parsed(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:  # noqa: PLR2004 - the largest port
        raise ListenError(
            f"--web.listen-address: {address} is not host:port, such as 127.0.0.1:10061 or :10061"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)
