"""TLS of our own port: the context of connections to come, and the clients it lets in."""

import os
import ssl
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from exporter.access.web_config import TLSConfig
from exporter.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ServerTLS:
    """A context with its certificates, and the names of clients, of which all are in if empty."""

    context: ssl.SSLContext
    client_allowed_sans: frozenset[str]

    # The ssl module's own type for a certificate is a dictionary of anything.
    def lets_in(self, certificate: Mapping[str, Any] | None) -> bool:
        """Tell whether the client may stay that showed this verified certificate, or none.

        A certificate is required by the context, where it is required at all.
        """
        if not certificate or not self.client_allowed_sans:
            return True
        names = certificate.get("subjectAltName", ())
        return not self.client_allowed_sans.isdisjoint(_plain(kind, name) for kind, name in names)


def load_server_tls(config: TLSConfig) -> ServerTLS:
    """Read the certificates. Raises ConfigurationError, which names the key of the file."""
    named = {"cert_file": config.cert_file, "key_file": config.key_file}
    if config.client_ca_file is not None:
        named["client_ca_file"] = config.client_ca_file
    if problems := list(_problems_of_files(config.where, named)):
        raise ConfigurationError(problems)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = config.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a function for the password, OpenSSL would ask for it on the terminal.
        context.load_cert_chain(config.cert_file, config.key_file, password=str)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError([f"{config.where}.{_chain_problem(error)}"]) from None
    context.verify_mode = config.client_verification
    if config.client_ca_file is not None:
        try:
            context.load_verify_locations(config.client_ca_file)
        except (ssl.SSLError, OSError):
            raise ConfigurationError(
                [f"{config.where}.client_ca_file: holds no certificate in PEM"]
            ) from None
    return ServerTLS(context, config.client_allowed_sans)


def _chain_problem(error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "key_file: is not the key of cert_file"
    return "cert_file, key_file: not a certificate and its key, in PEM and without a password"


def _problems_of_files(where: str, named: Mapping[str, Path]) -> Iterable[str]:
    """Look before OpenSSL does, which waits for a fifo and does not say which file it means."""
    for key, path in named.items():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            yield f"{where}.{key}: cannot read the file that it names: {error.strerror}"
            continue
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        os.close(descriptor)
        if not is_file:
            yield f"{where}.{key}: does not name a regular file"


def _plain(kind: str, name: str) -> str:
    """Write an address as the exporter-toolkit does; OpenSSL writes IPv6 in a form of its own."""
    return str(ip_address(name.strip())) if kind == "IP Address" else name
