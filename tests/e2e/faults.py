"""What goes wrong, and the alert that has to tell it."""

from dataclasses import dataclass
from enum import Enum, auto

UNPROVEN = "BitoproMarginNotProvenSafe"
DOWN = "BitoproMarginExporterDown"
LIQUIDATION = "BitoproMarginRatioLiquidation"

# Steps of the simulator's scenario `drill`.
_, BELOW_WARNING, FAR_BELOW_WARNING, BELOW_CRITICAL, BELOW_LIQUIDATION, SAFE = range(6)


class Event(Enum):
    """What befalls the exporter itself, or the exchange's time."""

    KILLED = auto()
    STOPPED = auto()
    REMOVED = auto()
    """It is no longer among the targets of Prometheus."""
    REPLACED = auto()
    """Another program answers in its place."""
    FROZEN = auto()
    """Every answer reads like the last one; from the start."""


@dataclass(frozen=True)
class Fault:
    """One account's trouble.

    `alerts` are those of which one has to be told. `step` and `exchange` are the simulator's
    scenario and fault. `before` is what was wrong already, and told; its alert has to stay.
    """

    title: str
    alerts: tuple[str, ...]
    step: int = SAFE
    exchange: str | None = None
    event: Event | None = None
    before: "Before | None" = None

    @property
    def account(self) -> str:
        """The name of the account that has it."""
        return "".join(each if each.isalnum() else "-" for each in self.title)

    @property
    def step_before(self) -> int:
        """Where the ratio is before it happens."""
        return self.before.step if self.before else SAFE

    @property
    def exchange_before(self) -> str | None:
        """The simulator's fault before it happens."""
        return self.before.exchange if self.before else None


@dataclass(frozen=True)
class Before:
    """What is wrong before a fault, and the alert that tells it."""

    alert: str
    step: int = SAFE
    exchange: str | None = None


FAULTS = (
    Fault("ratio below warning", ("BitoproMarginRatioWarning",), step=BELOW_WARNING),
    Fault("ratio below critical", ("BitoproMarginRatioCritical",), step=BELOW_CRITICAL),
    Fault("ratio below liquidation", (LIQUIDATION,), step=BELOW_LIQUIDATION),
    Fault(
        "below warning, then silence",
        (UNPROVEN,),
        step=BELOW_WARNING,
        exchange="stall-before-answer",
        before=Before("BitoproMarginRatioWarning", step=BELOW_WARNING),
    ),
    Fault(
        "below critical, then garbage",
        (UNPROVEN,),
        step=BELOW_CRITICAL,
        exchange="json-half",
        before=Before("BitoproMarginRatioCritical", step=BELOW_CRITICAL),
    ),
    Fault(
        "below liquidation, then silence",
        (UNPROVEN,),
        step=BELOW_LIQUIDATION,
        exchange="status-503",
        before=Before(LIQUIDATION, step=BELOW_LIQUIDATION),
    ),
    Fault(
        "below liquidation, then killed",
        (DOWN,),
        step=BELOW_LIQUIDATION,
        event=Event.KILLED,
        before=Before(LIQUIDATION, step=BELOW_LIQUIDATION),
    ),
    Fault(
        "unknown label, then silence",
        (UNPROVEN,),
        exchange="stall-before-answer",
        before=Before("BitoproMarginExchangeLabel", exchange="label-unknown"),
    ),
    Fault(
        "contradiction, then silence",
        (UNPROVEN,),
        exchange="status-502",
        before=Before("BitoproMarginInconsistent", exchange="ad-ratio-contradicts"),
    ),
    Fault(
        "unknown status, then silence",
        (UNPROVEN,),
        exchange="stall-before-answer",
        before=Before("BitoproMarginAccountStatus", exchange="statuses-unknown"),
    ),
    Fault("exporter killed", (DOWN,), event=Event.KILLED),
    Fault("exporter stopped", (DOWN,), event=Event.STOPPED),
    Fault("target removed", (UNPROVEN,), event=Event.REMOVED),
    Fault("another program on its port", (UNPROVEN,), event=Event.REPLACED),
    Fault("debt is NaN", (UNPROVEN,), exchange="debt-nan-text"),
    Fault("amount is Infinity", (UNPROVEN,), exchange="amount-infinity-text"),
    Fault("exchange stalls", (UNPROVEN,), exchange="stall-in-body"),
    Fault("exchange resets", (UNPROVEN,), exchange="reset-at-accept"),
    Fault("401", (UNPROVEN,), exchange="status-401"),
    Fault("429", (UNPROVEN,), exchange="status-429"),
    Fault("503", (UNPROVEN,), exchange="status-503"),
    Fault("a page of HTML", (UNPROVEN,), exchange="html"),
    Fault("another account's answer", (UNPROVEN,), exchange="another-account"),
    Fault("another schema", (UNPROVEN,), exchange="missing-totalDebtAmount"),
    Fault("clocks an hour apart", ("BitoproMarginClockSkew",), exchange="date-ahead"),
    Fault(
        "ratio contradicts totals", ("BitoproMarginInconsistent",), exchange="ad-ratio-contradicts"
    ),
    Fault("unknown safety label", ("BitoproMarginExchangeLabel",), exchange="label-unknown"),
    Fault("unknown statuses", ("BitoproMarginAccountStatus",), exchange="statuses-unknown"),
    Fault("answer frozen", ("BitoproMarginAnswerFrozen",), event=Event.FROZEN),
)
