"""The row "How did it get here?": ratio and distance over time."""

from grafana.am_i_safe import DISTANCE_STEPS, LIQUIDATION_DISTANCE
from grafana.kinds import lines
from grafana.panels import DASHED, FieldOptions, Panel, Target, fixed, override_of_query
from grafana.promql import DEBTLESS, EXACT_RATIO, LAST_RATIO, LEVELS, WORST_RATIO, threshold

_COLOURS = {"warning": "yellow", "critical": "orange", "liquidation": "red"}


def _ratio() -> Panel:
    below = [
        Target(
            f"{EXACT_RATIO} < on (account) {threshold(level)}{lower}",
            f"{{{{account}}}} below {level}",
        )
        for level, lower in zip(
            LEVELS,
            (*(f" >= on (account) {threshold(level)}" for level in LEVELS[1:]), ""),
            strict=True,
        )
    ]
    stale = f"{LAST_RATIO} < Inf unless on (account) {EXACT_RATIO}"
    thresholds = [
        Target(
            f"max by (level) ({threshold(level)} and on (account) {WORST_RATIO})",
            "threshold: {{level}}",
        )
        for level in LEVELS
    ]
    return lines(
        "Ratio and its thresholds",
        "Assets divided by debt. Below a threshold a line takes the threshold's colour. A gap "
        "means that nothing was known; dots, where they run on, are the last ratio known, which "
        "alerts still compare. The thresholds drawn are those of the account that is nearest to "
        "its own. The scale is logarithmic.",
        14,
        [
            Target(EXACT_RATIO, "{{account}}"),
            *below,
            Target(stale, "{{account}} STALE"),
            *thresholds,
        ],
        FieldOptions(
            unit="none",
            decimals=2,
            empty="No debt, so no ratio; or no fresh data, which the tiles above tell.",
            overrides=[
                *(
                    override_of_query(
                        ref_id,
                        color=fixed(_COLOURS[level]),
                        drawStyle="points",
                        showPoints="always",
                        pointSize=5,
                        hideFrom={"legend": True, "tooltip": True, "viz": False},
                    )
                    for ref_id, level in zip("BCD", LEVELS, strict=True)
                ),
                override_of_query("E", lineStyle={"fill": "dot", "dash": [2, 6]}),
                *(
                    override_of_query(
                        ref_id,
                        color=fixed(_COLOURS[level]),
                        lineWidth=1,
                        lineStyle=DASHED,
                        fillOpacity=12 if level == "liquidation" else 0,
                    )
                    for ref_id, level in zip("FGH", LEVELS, strict=True)
                ),
            ],
        ),
        custom={"scaleDistribution": {"type": "log", "log": 2}},
        has_wide_legend=True,
    )


def _distance() -> Panel:
    return lines(
        "Distance to liquidation",
        "The smallest move that brings the account to its liquidation threshold, of a price or of "
        "all prices together. Red begins at 10 %, yellow at 20 %, as the alerts. An account "
        "without debt is drawn at 100 %.",
        10,
        [
            Target(LIQUIDATION_DISTANCE, "{{account}}"),
            Target(f"1 + {DEBTLESS}", "{{account}} has no debt"),
        ],
        FieldOptions(
            unit="percentunit",
            minimum=0,
            thresholds=DISTANCE_STEPS,
            empty="No debt, so nothing to liquidate; or prices or fresh data are missing.",
        ),
        custom={"thresholdsStyle": {"mode": "dashed+area"}},
        has_wide_legend=True,
    )


RATIO = _ratio()
DISTANCE = _distance()
