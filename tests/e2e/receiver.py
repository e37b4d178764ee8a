"""Whom Alertmanager tells: a webhook that keeps what it is told, and when."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.local_server import answering


@dataclass(frozen=True)
class Told:
    """One alert in one notification. `at` is monotonic time, `channel` the receiver's name.

    `is_over` tells that this alert is resolved, `all_is_over` that all of the notification are.
    """

    at: float
    channel: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    is_over: bool
    all_is_over: bool

    @property
    def alert(self) -> str:
        """The alert's name."""
        return self.labels["alertname"]


@dataclass(frozen=True)
class Receiver:
    """Everything that was told so far; receivers' names are appended to `url`."""

    url: str
    told: list[Told] = field(default_factory=list)

    def first(self, alert: str, labels: Mapping[str, str], since: float = 0.0) -> Told | None:
        """Return the first time at which an alert with these labels was told to fire."""
        return next(
            (
                each
                for each in tuple(self.told)
                if each.at >= since
                and each.alert == alert
                and not each.is_over
                and labels.items() <= each.labels.items()
            ),
            None,
        )


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on this machine."""
    told: list[Told] = []

    def keep(path: str, body: bytes) -> bytes:
        at, document = time.monotonic(), json.loads(body)
        told.extend(
            Told(
                at=at,
                channel=path.removeprefix("/"),
                labels=alert["labels"],
                annotations=alert["annotations"],
                is_over=alert["status"] == "resolved",
                all_is_over=document["status"] == "resolved",
            )
            for alert in document["alerts"]
        )
        return b""

    with answering(keep) as url:
        yield Receiver(url, told)
