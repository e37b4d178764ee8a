"""One fault as it passes, and what came of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.e2e.alerting import Labels
from tests.e2e.faults import DOWN, SAFE, Event, Fault
from tests.e2e.receiver import Receiver, Told
from tests.e2e.sites import Exporter, FakeExchange

# Of shipped time a quarter of an hour: longer than any keep_firing_for, so that an alert which
# only lingers is found out. The frozen answer alone takes longer to tell.
_HOLD_SECONDS = 65.0
_FROZEN_SECONDS = 170.0
_RECOVERY_SECONDS = 75.0

# What they tell is a pace, and that is over although the ratio stays low. The second is a page of
# its own severity, beside the one that says where the ratio is.
_OF_PASSING = {"BitoproMarginRatioFallingFast"}
_OF_PAGING_PACE = {"BitoproMarginLiquidationImminent"}


@dataclass(frozen=True)
class Outcome:
    """What came of one fault.

    `told` is the first notification of an alert that was to come. `lost` are alerts that went away
    from Prometheus, and `cleared` those that were told to be resolved, while the state was bad.
    `resolved_seconds` is how long after its end it was told to be over.
    """

    fault: Fault
    told: Told | None
    seconds: float | None
    lost: tuple[str, ...]
    cleared: tuple[str, ...]
    resolved_seconds: float | None


class Case:
    """One fault as it passes."""

    def __init__(self, fault: Fault, exchange: FakeExchange, exporter: Exporter) -> None:
        self.fault = fault
        self.exchange = exchange
        self.exporter = exporter
        self.bad_since = self.injected_at = 0.0
        self.healed_at: float | None = None
        self.told: Told | None = None
        self.resolved: Told | None = None

    def labels(self, alert: str) -> Labels:
        """Return what an alert that is about this has."""
        if alert == DOWN:
            return {"instance": self.exporter.address}
        return {"account": self.fault.account}

    def prepare(self) -> None:
        """Go where the ratio is before the fault."""
        self.bad_since = time.monotonic()
        self.exchange.go_to(self.fault.step_before)
        self.exchange.break_by(self.fault.exchange_before)

    def inject(self) -> None:
        """Let it happen."""
        self.injected_at = time.monotonic()
        self.exchange.go_to(self.fault.step)
        self.exchange.break_by(self.fault.exchange)
        self.exchange.freeze(is_frozen=self.fault.event is Event.FROZEN)

    def heal(self) -> None:
        """Let it be over."""
        self.healed_at = time.monotonic()
        self.exchange.go_to(SAFE)
        self.exchange.break_by(None)
        self.exchange.freeze(is_frozen=False)

    def is_prepared(self, receiver: Receiver) -> bool:
        """Return whether what has to be told before was told."""
        if self.fault.before is None:
            return True
        alert = self.fault.before.alert
        return receiver.first(alert, self.labels(alert)) is not None

    def report(self, receiver: Receiver) -> None:
        """See what was told of it by now."""
        if self.told is None:
            told = [
                receiver.first(alert, self.labels(alert), self.bad_since)
                for alert in self.fault.alerts
            ]
            self.told = min(filter(None, told), key=lambda each: each.at, default=None)
        elif self.healed_at is not None and self.resolved is None:
            self.resolved = next(
                (
                    each
                    for each in tuple(receiver.told)
                    if each.is_over and each.at > self.healed_at and each.labels == self.told.labels
                ),
                None,
            )

    def is_to_heal(self) -> bool:
        """Return whether it has lasted long enough."""
        lasted = time.monotonic() - self.injected_at
        is_frozen = self.fault.event is Event.FROZEN
        patience = _FROZEN_SECONDS if is_frozen else _HOLD_SECONDS
        return (
            self.healed_at is None
            and lasted > _HOLD_SECONDS
            and (self.told is not None or lasted > patience)
        )

    def is_over(self) -> bool:
        """Return whether nothing more is to be seen."""
        if self.healed_at is None:
            return False
        waited = time.monotonic() - self.healed_at
        return self.told is None or self.resolved is not None or waited > _RECOVERY_SECONDS

    def outcome(
        self, receiver: Receiver, seen: Sequence[tuple[float, Sequence[Labels]]]
    ) -> Outcome:
        """Judge it."""
        healed_at = self.healed_at or time.monotonic()
        staying = {self.told.alert} if self.told else set()
        if self.fault.before:
            staying.add(self.fault.before.alert)
        return Outcome(
            fault=self.fault,
            told=self.told,
            seconds=max(0.0, self.told.at - self.injected_at) if self.told else None,
            lost=tuple(each for each in sorted(staying) if self._is_lost(each, seen, healed_at)),
            cleared=tuple(
                each.alert
                for each in receiver.told
                if each.is_over
                and each.alert not in _OF_PAGING_PACE
                and (each.alert not in _OF_PASSING or each.all_is_over)
                and self.bad_since < each.at < healed_at
                and self._is_about_this(each.labels)
            ),
            resolved_seconds=self.resolved.at - healed_at if self.resolved else None,
        )

    def _is_about_this(self, labels: Labels) -> bool:
        if "account" in labels:
            return labels["account"] == self.fault.account
        return labels.get("instance") == self.exporter.address

    def _is_lost(
        self, alert: str, seen: Sequence[tuple[float, Sequence[Labels]]], healed_at: float
    ) -> bool:
        """Return whether an alert that fired went away before the fault did."""
        wanted = {"alertname": alert, **self.labels(alert)}.items()
        fires = [
            any(wanted <= labels.items() for labels in firing)
            for at, firing in seen
            if self.bad_since < at < healed_at
        ]
        return True in fires and not all(fires[fires.index(True) :])
