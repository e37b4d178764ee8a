"""What `--web.config.file` says: TLS, headers and users of our own port."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Of a bcrypt hash; its work is a power of two.
LOWEST_COST = 4


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """Certificates, and what is asked of clients. `where` is the file that says so."""

    where: str
    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    client_verification: ssl.VerifyMode
    client_allowed_sans: frozenset[str]
    min_version: ssl.TLSVersion


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says. Header names are lower-case; `users` holds bcrypt hashes by name."""

    tls: TLSConfig | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def knows_its_clients(self) -> bool:
        """Whether a client has to prove who it is, by a password or by a certificate."""
        requires_certificate = (
            self.tls is not None and self.tls.client_verification is ssl.CERT_REQUIRED
        )
        return requires_certificate or bool(self.users)
