"""The account holder's first look: tiles, and the accounts sorted by danger."""

from grafana.kinds import stat
from grafana.panels import Look, Panel, Target, steps
from grafana.promql import (
    BLIND,
    DEBTLESS,
    UNIT,
    WORST_RATIO,
    first_of,
    recorded,
    threshold,
)
from grafana.states import colours, said
from grafana.values import Json

# What a tile says where it has no number to say. Numbers of panels are never negative.
_NO_DEBT = -1.0
UNKNOWN = -2.0
WORDS = said({_NO_DEBT: "no debt", UNKNOWN: "?"}, {_NO_DEBT: "blue", UNKNOWN: "dark-red"})

# The limits of the alerts BitoproMarginDistanceCritical and BitoproMarginDistanceWarning.
DISTANCE_STEPS = steps("red", (0.1, "yellow"), (0.2, "green"))

# An account that has not answered since the exporter started was last seen in 1970.
NEVER: Json = {
    "type": "range",
    "options": {"from": 1e8, "to": None, "result": {"text": "never", "index": 9}},
}

_LEVEL_WORDS = ("below liquidation", "below critical", "below warning")
LIQUIDATION_DISTANCE = recorded(
    "account:bitopro_margin_liquidation_distance:ratio", 'level="liquidation"'
)
_STRESS = recorded("account:bitopro_margin_ad_ratio:stress", 'shock="-0.2"')


def _by_levels(ratio: str) -> list[tuple[str, str]]:
    levels = ("liquidation", "critical", "warning")
    return [
        (f"{ratio} < on (account) {threshold(level)}", word)
        for level, word in zip(levels, _LEVEL_WORDS, strict=True)
    ]


def _worst_ratio() -> Panel:
    expression = first_of(
        *_by_levels(WORST_RATIO),
        (f"{WORST_RATIO} and on (account) {BLIND}", "STALE, last known"),
        (f"({WORST_RATIO} < Inf) and on () {BLIND}", "(another is BLIND)"),
        (f"{WORST_RATIO} < Inf", "above warning"),
        (f"({WORST_RATIO} == bool Inf) * {_NO_DEBT:g}", "nothing is owed"),
        (f"vector({UNKNOWN:g})", "UNKNOWN"),
    )
    return stat(
        "Lowest ratio",
        "Assets divided by debt, of the account that is nearest to its liquidation threshold, and "
        "which of its thresholds it is below. Without news, the last ratio known counts. Higher is "
        "safer.",
        7,
        [Target(expression, "{{account}} {{state}}")],
        Look(
            unit="none",
            decimals=3,
            thresholds=steps("dark-red"),
            mappings=WORDS,
            overrides=colours(*_LEVEL_WORDS, "STALE", "BLIND", "above warning", "UNKNOWN"),
        ),
    )


def _distance() -> Panel:
    nearest = f"bottomk(1, {LIQUIDATION_DISTANCE})"
    expression = first_of(
        (f"{nearest} <= 0.2", ""),
        (f"group({BLIND}) * {UNKNOWN:g}", "STALE"),
        (nearest, ""),
        (f"group({DEBTLESS}) * {_NO_DEBT:g}", "nothing is owed"),
        (f"vector({UNKNOWN:g})", "UNKNOWN"),
    )
    return stat(
        "To liquidation",
        "The smallest move of a price, or of all prices together, that brings an account to its "
        "liquidation threshold: a fall of what is held, or a rise of what is owed. 0 % means that "
        "it is there. Red up to 10 %, yellow up to 20 %, as the alerts.",
        6,
        [Target(expression, "{{account}} {{state}}")],
        Look(
            unit="percentunit",
            decimals=1,
            thresholds=DISTANCE_STEPS,
            mappings=WORDS,
            overrides=colours("STALE", "UNKNOWN"),
        ),
    )


def _rescue() -> Panel:
    def amount(how: str, word: str) -> str:
        needed = recorded(f"account:bitopro_margin_rescue_{how}:unit", 'level="warning"')
        of_worst = (
            f"({needed} * on (account) group_left (unit) {UNIT} and on (account) {WORST_RATIO})"
        )
        return first_of(
            (f"{of_worst} > 0", word),
            (f"topk(1, {BLIND}) * {UNKNOWN:g}", "STALE"),
            (of_worst, word),
            (f"vector({UNKNOWN:g})", "UNKNOWN"),
        )

    return stat(
        "What to do now, to be above the warning threshold",
        "What the worst account needs to be back above its warning threshold: either debt repaid "
        "out of its own assets, or assets added, both in the unit of its totals. Either is "
        "enough. 0 means that nothing is to be done. Repaying is unknown where all assets are not "
        "enough.",
        11,
        [
            Target(amount("repay", "repay"), "{{account}} {{state}} {{unit}}"),
            Target(amount("deposit", "or add"), "{{account}} {{state}} {{unit}}"),
        ],
        Look(
            unit="locale",
            decimals=2,
            thresholds=steps("dark-red", (0, "green"), (0.005, "orange")),
            mappings=said({UNKNOWN: "?", 0: "nothing"}),
        ),
    )


def _stress() -> Panel:
    worst = f"bottomk(1, {_STRESS})"
    expression = first_of(
        *_by_levels(worst),
        (f"group({BLIND}) * {UNKNOWN:g}", "STALE"),
        (worst, "above warning"),
        (f"group({DEBTLESS}) * {_NO_DEBT:g}", "nothing is owed"),
        (f"vector({UNKNOWN:g})", "UNKNOWN"),
    )
    return stat(
        "After -20 %",
        "The lowest ratio of any account if all prices but those of stable currencies fell by 20 % "
        "at once, and which threshold that would be below.",
        5,
        [Target(expression, "{{account}} {{state}}")],
        Look(
            unit="none",
            decimals=3,
            thresholds=steps("dark-red"),
            mappings=WORDS,
            overrides=colours(*_LEVEL_WORDS, "STALE", "above warning", "UNKNOWN"),
        ),
    )


FIRST_LINE = (_worst_ratio(), _distance(), _rescue())
STRESS = _stress()
