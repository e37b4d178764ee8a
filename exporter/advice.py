"""What each reason of a failed poll means, and what to do about it; for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Advice:
    """What happened, and what an operator does next; parts of sentences, without a full stop."""

    meaning: str
    do: str


_PROXY = "look for a proxy or gateway on the way, and check the base URL"
_REPORT = "the API has changed, or a gateway answered in its place: try again, then report it"

ADVICE: Mapping[str, Advice] = MappingProxyType(
    {
        "timeout": Advice(
            "no complete answer within 10 s, or the interval if that is shorter",
            "nothing at first, for it passes; then check the network and the exchange's own status",
        ),
        "network": Advice(
            "no connection, or it broke",
            "check the base URL, name resolution, routes, and that a firewall lets this machine "
            "out",
        ),
        "tls": Advice(
            "the peer could not prove who it is",
            "check this machine's clock and what intercepts TLS; "
            "SSL_CERT_FILE names other authorities",
        ),
        "auth": Advice(
            "401 or 403: the exchange does not accept the key",
            "check key, secret and e-mail, of which any may be wrong; the key's right to read; "
            "and its list of allowed addresses; changed files are read anew within a minute",
        ),
        "clock": Advice(
            "409, twice: the exchange does not accept the time of the request",
            "set this machine's clock by NTP, and run one exporter per key",
        ),
        "rate_limited": Advice(
            "429: too many requests",
            "run fewer programs on this address and key, or poll at a longer interval; "
            "it waits as told, 5 minutes at most",
        ),
        "redirect": Advice(
            "30x, which is never followed",
            "check the base URL",
        ),
        "http_status": Advice(
            "another status than 200",
            "wait, for 5xx passes; 404 is the base URL, or an endpoint that is not for this key; "
            "401 and 403 with a page are a gateway's, so leave the key, look for a proxy on the "
            "way, and ask the exchange whether it blocks this address; report any other",
        ),
        "content_type": Advice("200, but not JSON", _PROXY),
        "framing": Advice("not the HTTP message that was announced", _PROXY),
        "too_large": Advice("more bytes than any real answer has", _PROXY),
        "cached": Advice(
            "200, but a copy of an earlier answer: a cache stands in between",
            "look for a cache, proxy or gateway on the way, and exempt the API from caching; "
            "if there is none, compare this machine's clock",
        ),
        "json": Advice("the body is not one JSON value", _REPORT),
        "schema": Advice("JSON, but not the documented answer", _REPORT),
        "wrong_account": Advice(
            "the key answers for another account than before, or for one that another account of "
            "the configuration watches; its values go at once",
            "check in which account of the exchange each key was made, for each needs one of its "
            "own; then restart",
        ),
    }
)
