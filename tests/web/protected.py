"""Certificates, users and files of `--web.config.file`, for tests of what protects our port."""

import ssl
from collections.abc import Iterable
from pathlib import Path

import bcrypt
import trustme

# The lowest cost there is, so that tests are quick.
COST = 4
USER, PASSWORD = "prometheus", "correct horse"


def hash_of(password: str, cost: int = COST) -> str:
    """Return the bcrypt hash of a password."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def users_text(password: str = PASSWORD, cost: int = COST) -> str:
    """Return the part of a web.yml that has one user."""
    return f"basic_auth_users:\n  {USER}: {hash_of(password, cost)}\n"


TLS_TEXT = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS_TEXT = (
    f"{TLS_TEXT}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
)


def write_certificate(folder: Path, authority: trustme.CA) -> None:
    """Write a certificate for this machine, its key, and the authority's own, into a folder."""
    issued = authority.issue_cert("127.0.0.1", "localhost")
    _write_at_once(folder / "server.crt", b"".join(each.bytes() for each in issued.cert_chain_pems))
    _write_at_once(folder / "server.key", issued.private_key_pem.bytes())
    _write_at_once(folder / "ca.crt", authority.cert_pem.bytes())


def write_web_config(folder: Path, *parts: str) -> Path:
    """Write a web.yml of these parts into a folder."""
    path = folder / "web.yml"
    _write_at_once(path, "".join(parts).encode())
    return path


def client_context(
    authority: trustme.CA, names: Iterable[str] = (), issuer: trustme.CA | None = None
) -> ssl.SSLContext:
    """Return a client's context that trusts an authority, and shows a certificate of these names.

    It is issued by `issuer`, if that is another authority.
    """
    context = ssl.create_default_context()
    authority.configure_trust(context)
    shown = list(names)
    if shown:
        (issuer or authority).issue_cert(*shown).configure_cert(context)
    return context


def _write_at_once(path: Path, content: bytes) -> None:
    """Replace a file as a rotation does: by another one, in one step."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)
