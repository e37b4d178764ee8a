"""What `--web.config.file` says: TLS, headers and users of our own port."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Of a bcrypt hash; its work is a power of two.
LOWEST_COST = 4

<<<<<<< HEAD
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFICATION = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert")
# Where a tuple is given, only those values are allowed.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
# The salt's last character has two bits; bcrypt refuses to compare with any other.
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
# A check of cost 14 takes about a second, and a scrape has eight.
_HIGHEST_COST = 14
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)

=======
>>>>>>> c6eb606 (Import YAML and the models of the port's file only where there is such a file)

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
