"""Signed headers for private endpoints, as pure functions, and nonces that never repeat.

Source: the exchange's API documentation, "Authentication".
"""

import base64
import hashlib
import hmac
import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

# How many sent nonces are remembered: almost four hours of requests at the default interval.
_REMEMBERED = 2048


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one API key needs to sign. None of it appears in `repr`."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    email: str = field(repr=False)


def encode_payload(email: str, nonce_ms: int) -> str:
    """Base64 of the JSON object a signed GET carries: identity (e-mail) and nonce (unix ms)."""
    document = json.dumps({"identity": email, "nonce": nonce_ms}, separators=(",", ":"))
    return base64.b64encode(document.encode()).decode("ascii")


def sign_payload(api_secret: str, payload: str) -> str:
    """Lower-case hex HMAC-SHA384 of the base64 payload text under the API secret."""
    return hmac.new(api_secret.encode(), payload.encode(), hashlib.sha384).hexdigest()


def signed_headers(credentials: Credentials, nonce_ms: int) -> dict[str, str]:
    """Return the three headers of one private request."""
    payload = encode_payload(credentials.email, nonce_ms)
    return {
        "X-BITOPRO-APIKEY": credentials.api_key,
        "X-BITOPRO-PAYLOAD": payload,
        "X-BITOPRO-SIGNATURE": sign_payload(credentials.api_secret, payload),
    }


class NonceSource:
    """Nonces in unix milliseconds: they follow the wall clock, rise, and are never given twice.

    A clock that was ahead and is then set right would leave every later nonce in the future, so
    `rewind` lets the next nonce follow the clock again; the nonces already sent are skipped.
    """

    def __init__(self, wall_seconds: Callable[[], float]) -> None:
        self._wall_seconds = wall_seconds
        self._floor_ms = 0
        self._sent = array("Q")
        self._oldest = 0

    def next_ms(self) -> int:
        """Return the next nonce, above all since the last rewind and unlike any sent before."""
        nonce_ms = max(int(self._wall_seconds() * 1000), self._floor_ms)
        while nonce_ms in self._sent:
            nonce_ms += 1
        self._floor_ms = nonce_ms + 1
        self._remember(nonce_ms)
        return nonce_ms

    def rewind(self) -> None:
        """Follow the clock again, because the exchange has just refused a nonce for its time."""
        self._floor_ms = 0

    def _remember(self, nonce_ms: int) -> None:
        if len(self._sent) < _REMEMBERED:
            self._sent.append(nonce_ms)
        else:
            self._sent[self._oldest] = nonce_ms
            self._oldest = (self._oldest + 1) % _REMEMBERED
