"""What a request must pass before it is answered: the rate limits, and its three headers."""

import binascii
import hashlib
import hmac
import json
from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Callable, Container, Mapping

_WINDOW_SECONDS = 60
_NONCE_TOLERANCE_MS = 30_000
_URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class RefusedError(Exception):
    """The request is answered with `status` and this text instead of data."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Authenticator:
    """Remembers, per client host and per key, when it asked, and each key's last nonce.

    All keys share one secret and one e-mail. `wall` is the exchange's clock in unix seconds;
    `monotonic` measures the rate limits.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # everything it needs is passed in
        self,
        keys: Container[str],
        secret: str,
        email: str,
        rate_limit: int,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._secret = secret
        self._email = email
        self._rate_limit = rate_limit
        self._wall = wall
        self._monotonic = monotonic
        self._times: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._last_nonce_ms: dict[str, int] = {}

    def admit(self, host: str) -> None:
        """Count a request of a client host. Raises RefusedError (429)."""
        self._count("host", host)

    def authenticate(self, headers: Mapping[bytes, bytes]) -> str:
        """Return the API key that signed the request. Raises RefusedError (401, 409, 429)."""
        key = headers.get(b"x-bitopro-apikey", b"").decode("latin-1")
        payload = headers.get(b"x-bitopro-payload", b"")
        signed = headers.get(b"x-bitopro-signature", b"")
        if key not in self._keys:
            raise RefusedError(401, "Invalid API key")
        if not hmac.compare_digest(signature(self._secret, payload).encode(), signed):
            raise RefusedError(401, "Invalid signature")
        nonce_ms = _nonce_ms(payload, self._email)
        self._count("key", key)
        if abs(nonce_ms - int(self._wall() * 1000)) > _NONCE_TOLERANCE_MS:
            raise RefusedError(409, "Nonce is too far from the server's time")
        if nonce_ms <= self._last_nonce_ms.get(key, nonce_ms - 1):
            raise RefusedError(409, "Nonce was used before")
        self._last_nonce_ms[key] = nonce_ms
        return key

    def _count(self, kind: str, name: str) -> None:
        """Let in `rate_limit` requests in any 60 seconds; those refused do not count."""
        now = self._monotonic()
        times = self._times[kind, name]
        while times and times[0] <= now - _WINDOW_SECONDS:
            times.popleft()
        if len(times) >= self._rate_limit:
            raise RefusedError(429, "Too many requests")
        times.append(now)


def signature(secret: str, payload: bytes) -> str:
    """Sign the base64 text of a payload: lower-case hex HMAC-SHA384."""
    return hmac.new(secret.encode(), payload, hashlib.sha384).hexdigest()


def _nonce_ms(payload: bytes, email: str) -> int:
    """Read the nonce of a payload in either base64 alphabet.

    The identity may be missing, or empty as the exchange's own Python client sends it.
    """
    try:
        fields = json.loads(b64decode(payload.translate(_URL_SAFE_TO_STANDARD), validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise RefusedError(401, "Invalid payload") from error
    if not isinstance(fields, dict) or fields.get("identity", "") not in ("", email):
        raise RefusedError(401, "Invalid identity")
    nonce_ms = fields.get("nonce")
    if type(nonce_ms) is not int:
        raise RefusedError(401, "Invalid nonce")
    return nonce_ms
