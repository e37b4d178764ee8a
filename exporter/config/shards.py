"""Which accounts are this exporter's, where several share them.

Every shard gives each account's name a weight by each shard's number, and the highest weight has it
(rendezvous hashing): all of them agree without talking, and another shard takes over its own share
of accounts and moves no other.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from exporter.errors import ConfigurationError

MAX_SHARDS = 1000

_ORDINAL = re.compile(r".+-(\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total`, its `number` counted from 0."""

    number: int = 0
    total: int = 1

    def has(self, account_name: str) -> bool:
        """Return whether an account is this shard's."""
        return shard_of(account_name, self.total) == self.number


ONLY_SHARD = Shard()


def shard_of(account_name: str, total: int) -> int:
    """Return the number of the shard, out of `total`, whose account it is."""
    return max(range(total), key=lambda number: _weight(number, account_name))


def chosen_shard(number: int | None, total: int | None, hostname: str | None = None) -> Shard:
    """Return the shard that the flags describe; a `hostname` has its number at the end.

    Raises ConfigurationError, which names the flag.
    """
    if total is None:
        if number is None and hostname is None:
            return ONLY_SHARD
        raise ConfigurationError(["--total-shards: how many shards are there?"])
    if number is not None and hostname is not None:
        raise ConfigurationError(
            ["--shard and --shard-from-hostname are both given; which one is meant?"]
        )
    flag = "--shard"
    if hostname is not None:
        flag, number = "--shard-from-hostname", _ordinal(hostname)
    if number is None:
        raise ConfigurationError(
            ["--total-shards: which of them is this? Give --shard or --shard-from-hostname too"]
        )
    if number >= total:
        raise ConfigurationError(
            [f"{flag}: {number} is none of {total}, which are 0 to {total - 1}"]
        )
    return Shard(number, total)


def _ordinal(hostname: str) -> int:
    match = _ORDINAL.fullmatch(hostname.partition(".")[0])
    if match is None:
        problem = (
            f"--shard-from-hostname: the host name {hostname} does not end in a number, as "
            "exporter-0 does; it does in a StatefulSet. Give --shard instead"
        )
        raise ConfigurationError([problem])
    return int(match[1])


def _weight(number: int, account_name: str) -> bytes:
    return sha256(f"{number} {account_name}".encode()).digest()
