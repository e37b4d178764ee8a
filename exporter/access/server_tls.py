"""TLS of our own port: the context of connections to come, and the clients it lets in."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from exporter.access.web_config import TLSConfig
from exporter.configuration.files import (
    MAX_CERTIFICATES_BYTES,
    path_of_content,
    read_regular_file,
)
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
    contents = _read(config.where, named)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = config.min_version
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        with (
            path_of_content(contents["cert_file"], config.cert_file) as cert_file,
            path_of_content(contents["key_file"], config.key_file) as key_file,
        ):
            # Without a function for the password, OpenSSL would ask for it on the terminal.
            context.load_cert_chain(cert_file, key_file, password=str)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError([f"{config.where}.{_chain_problem(error)}"]) from None
    context.verify_mode = config.client_verification
    if config.client_ca_file is not None:
        try:
            with path_of_content(contents["client_ca_file"], config.client_ca_file) as ca_file:
                context.load_verify_locations(ca_file)
        except (ssl.SSLError, OSError):
            raise ConfigurationError(
                [f"{config.where}.client_ca_file: holds no certificate in PEM"]
            ) from None
    return ServerTLS(context, config.client_allowed_sans)


def _chain_problem(error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "key_file: is not the key of cert_file"
    return "cert_file, key_file: not a certificate and its key, in PEM and without a password"


def _read(where: str, named: Mapping[str, Path]) -> Mapping[str, bytes]:
    """Read before OpenSSL does, which waits for a fifo and does not say which file it means."""
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    for key, path in named.items():
        try:
            contents[key] = read_regular_file(f"{where}.{key}", path, MAX_CERTIFICATES_BYTES)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return contents


def _plain(kind: str, name: str) -> str:
    """Write an address as the exporter-toolkit does; OpenSSL writes IPv6 in a form of its own."""
    return str(ip_address(name.strip())) if kind == "IP Address" else name
