"""What an operator does about a failed poll, by its reason; the README has the same words."""

from collections.abc import Mapping
from types import MappingProxyType

_NOT_THE_API = "look for a proxy or gateway on the way"
_CHANGED = "the API has changed: report it"

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "timeout": "nothing at first; then check the network",
        "network": "check name resolution, routes, firewall",
        "tls": "check the clock and what intercepts TLS",
        "auth": "check key, secret, rights and allowed addresses; changed files are read anew",
        "clock": "set the clock by NTP; one exporter per key",
        "rate_limited": "fewer programs on this address, or a longer interval",
        "redirect": "check the base URL",
        "http_status": "5xx passes; 404 is the base URL, or an endpoint that is not for this key; "
        "else report it",
        "content_type": _NOT_THE_API,
        "framing": _NOT_THE_API,
        "too_large": _NOT_THE_API,
        "json": _CHANGED,
        "schema": _CHANGED,
        "wrong_account": "check whose key it is, then restart",
    }
)
