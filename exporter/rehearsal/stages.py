"""What a drill plays, what was seen of it, and how that is told."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """What happens to the account, and the alert that is to follow.

    `step` is that of the simulator's scenario, `fault` that of its plan. Without an alert to
    expect, the stage is over when none fires. `stays` is an alert that must not be resolved
    meanwhile. `lasts_seconds` is for a drill without watchers: a little longer than the shipped
    rules take.
    """

    name: str
    happens: str
    step: int
    lasts_seconds: float
    alert: str | None = None
    stays: str | None = None
    fault: str | None = None

    @property
    def expected(self) -> str:
        """The alert to follow, for people."""
        return self.alert or "no alert"

    def agrees(self, alerts: frozenset[str], *, is_up: bool) -> bool:
        """Tell whether these alerts are what is to follow."""
        return self.alert in alerts if self.alert else is_up and not alerts


STAGES = (
    Stage("calm", "the ratio is 1.79", 0, 60.0),
    Stage("warning", "the ratio falls to 1.40", 1, 420.0, "BitoproMarginRatioWarning"),
    Stage("critical", "the ratio falls to 1.25", 2, 150.0, "BitoproMarginRatioCritical"),
    Stage("liquidation", "the ratio falls to 1.10", 3, 90.0, "BitoproMarginRatioLiquidation"),
    Stage(
        "blindness",
        "the exchange answers 503",
        3,
        420.0,
        "BitoproMarginNotProvenSafe",
        stays="BitoproMarginRatioLiquidation",
        fault="status-503",
    ),
    Stage("recovery", "the exchange answers again, and the ratio is 1.79", 4, 780.0),
)

EXPECTED_ALERTS = tuple(stage.alert for stage in STAGES if stage.alert)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen in a stage: seconds until Prometheus and Alertmanager agreed, or None.

    `was_cleared` tells that an alert which had to stay was resolved.
    """

    stage: Stage
    prometheus_seconds: float | None = None
    alertmanager_seconds: float | None = None
    was_cleared: bool = False

    def is_complete(self, *, has_alertmanager: bool) -> bool:
        """Tell whether all that was to be seen was seen."""
        return self.prometheus_seconds is not None and (
            self.alertmanager_seconds is not None or not has_alertmanager
        )


def finding_text(finding: Finding, *, has_alertmanager: bool) -> str:
    """Give what was seen in a stage as a line."""
    there = f", in Alertmanager {_after(finding.alertmanager_seconds)}" if has_alertmanager else ""
    return f"{finding.stage.expected}: in Prometheus {_after(finding.prometheus_seconds)}{there}"


def verdict(findings: Sequence[Finding], *, has_alertmanager: bool) -> tuple[str, bool]:
    """Give the table with a sentence below, and whether all was seen and nothing cleared."""
    rows = [("stage", "expected", "Prometheus", "Alertmanager")]
    rows += [
        (
            each.stage.name,
            each.stage.expected,
            _after(each.prometheus_seconds),
            _after(each.alertmanager_seconds) if has_alertmanager else "not asked",
        )
        for each in findings
    ]
    rows += [
        (stage.name, stage.expected, "not played", "not played")
        for stage in STAGES[len(findings) :]
    ]
    table = "".join(f"{a:13}{b:32}{c:14}{d}\n" for a, b, c, d in rows)
    problems = [
        f"Not seen in time: {each.stage.name} ({each.stage.expected})."
        for each in findings
        if not each.is_complete(has_alertmanager=has_alertmanager)
    ]
    problems += [
        f"Resolved although the danger went on: {each.stage.stays}."
        for each in findings
        if each.was_cleared
    ]
    if problems:
        conclusion = f"{' '.join(problems)} In earnest you would not have been told."
    elif len(findings) < len(STAGES):
        conclusion = "Stopped before its end, so nothing is proven."
    elif has_alertmanager:
        conclusion = (
            "Everything came. See that the messages reached you too: Alertmanager sends them."
        )
    else:
        conclusion = "Everything fired. Whether Alertmanager heard of it, --alertmanager.url tells."
    return f"\n{table}\n{conclusion}\n", not problems and len(findings) == len(STAGES)


def _after(seconds: float | None) -> str:
    return "NOT SEEN" if seconds is None else f"after {seconds:.0f} s"
