"""The row "Am I safe?": tiles, what was notified, and the accounts sorted by danger."""

from grafana.kinds import FILLED, stat, table
from grafana.panels import FieldOptions, Panel, Target, override, steps
from grafana.promql import (
    AGE,
    BLIND,
    DANGER,
    DEBTLESS,
    EXPECTED,
    LAST_RATIO,
    STATE,
    UNIT,
    WORST_RATIO,
    alerts,
    column,
    first_of,
    least,
    most,
    of_account,
    threshold,
)
from grafana.states import colours, value_mappings, words_of_numbers
from grafana.values import Json

# What a tile says where it has no number to say. Numbers of panels are never negative.
_NO_DEBT = -1.0
UNKNOWN = -2.0
WORDS = value_mappings({_NO_DEBT: "no debt", UNKNOWN: "?"}, {_NO_DEBT: "blue", UNKNOWN: "dark-red"})

# The default limits of BitoproMarginDistanceCritical and BitoproMarginDistanceWarning.
DISTANCE_STEPS = steps("red", (0.1, "yellow"), (0.2, "green"))

# An account that has not answered since the exporter started was last seen in 1970.
NEVER: Json = {
    "type": "range",
    "options": {"from": 1e8, "to": None, "result": {"text": "never", "index": 9}},
}

_LEVEL_WORDS = ("below liquidation", "below critical", "below warning")
LIQUIDATION_DISTANCE = least("liquidation_distance_ratio", 'level="liquidation"')
_STRESS = least("stress_ad_ratio", 'shock=~"-0.2|0.2"')


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
        FieldOptions(
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
        "it is there. Red up to 10 %, yellow up to 20 %, as the alerts unless you set others.",
        6,
        [Target(expression, "{{account}} {{state}}")],
        FieldOptions(
            unit="percentunit",
            decimals=1,
            thresholds=DISTANCE_STEPS,
            mappings=WORDS,
            overrides=colours("STALE", "UNKNOWN"),
        ),
    )


def _needed(how: str) -> str:
    return most("rescue_amount", 'level="warning"', f'way="{how}"', by=("account", "unit"))


def _rescue() -> Panel:
    def amount(how: str, word: str) -> str:
        of_worst = f"({_needed(how)} and on (account) {WORST_RATIO})"
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
        FieldOptions(
            unit="locale",
            decimals=2,
            thresholds=steps("dark-red", (0, "green"), (0.005, "orange")),
            mappings=value_mappings({UNKNOWN: "?", 0: "nothing"}),
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
        "After ±20 %",
        "The lowest ratio of any account if all prices but those of stable currencies fell or rose "
        "by 20 % at once, and which threshold that would be below.",
        5,
        [Target(expression, "{{account}} {{state}}")],
        FieldOptions(
            unit="none",
            decimals=3,
            thresholds=steps("dark-red"),
            mappings=WORDS,
            overrides=colours(*_LEVEL_WORDS, "STALE", "above warning", "UNKNOWN"),
        ),
    )


FIRST_LINE = (_worst_ratio(), _distance(), _rescue())
STRESS = _stress()


_WATCHDOG = 'ALERTS{alertname="BitoproMarginWatchdog", alertstate="firing"}'


def _age() -> Panel:
    expression = first_of(
        (f"topk(1, round({AGE}) and on (account) {BLIND})", "STALE"),
        (f"topk(1, round({AGE}))", "fresh"),
        (f"vector({UNKNOWN:g})", "UNKNOWN"),
    )
    return stat(
        "Oldest data",
        "How long ago the exchange last gave a good answer for the account that is oldest. It is "
        "stale when the exporter no longer shows its values: all that you see of it is the past.",
        5,
        [Target(expression, "{{account}} {{state}}")],
        FieldOptions(
            unit="s",
            decimals=0,
            thresholds=steps("dark-red"),
            mappings=[*WORDS, NEVER],
            overrides=colours("STALE", "fresh", "UNKNOWN"),
        ),
    )


def _blindness() -> Panel:
    total = f'* on () group_left (total) count_values("total", count({EXPECTED}))'
    expression = first_of(
        (f"count({BLIND}) {total}", "BLIND"),
        (f"0 * count({EXPECTED}) {total}", "all seen"),
        (f'label_replace(vector({UNKNOWN:g}), "total", "?", "", "")', "UNKNOWN"),
    )
    return stat(
        "Blind",
        "Accounts that are expected and of which no chosen exporter shows anything. Blind is as "
        "bad as in danger: its fall would go unnoticed.",
        4,
        [Target(expression, "of {{total}}, {{state}}")],
        FieldOptions(
            unit="none",
            thresholds=steps("dark-red"),
            mappings=value_mappings({UNKNOWN: "?", 0: "none"}),
            overrides=colours("BLIND", "all seen", "UNKNOWN"),
        ),
    )


def _firing(severity: str) -> str:
    return alerts(f'severity="{severity}"')


def _alerts() -> Panel:
    expression = first_of(
        (f"absent({_WATCHDOG}) * {UNKNOWN:g}", "RULES DO NOT RUN"),
        (f"count({_firing('critical')})", "critical"),
        (f"count({_firing('warning')})", "warning"),
        (f"count({_firing('info')})", "for information"),
        ("vector(0)", "all quiet"),
    )
    return stat(
        "Alerts",
        "How many alerts of the worst severity fire for these accounts and their exporters. If not "
        "even the watchdog fires, rules are not loaded, and no alert would.",
        5,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            thresholds=steps("dark-red"),
            mappings=value_mappings({UNKNOWN: "?", 0: "none"}),
            overrides=colours(
                "RULES DO NOT RUN", "critical", "warning", "for information", "all quiet"
            ),
        ),
    )


def _liquidations() -> Panel:
    finished = f"sum(round(increase({of_account('liquidations_total')}[1d])))"
    expression = first_of(
        (f"sum({of_account('liquidations_unfinished')} > 0)", "RUNNING"),
        (f"{finished} > 0", "finished"),
        (f"{finished}", "within a day"),
        (f"vector({UNKNOWN:g})", "not told"),
    )
    return stat(
        "Liquidated",
        "Liquidations that the exchange lists as running, or else those that were finished within "
        "a day. A key may have no right to ask; then nothing is told.",
        5,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            decimals=0,
            thresholds=steps("dark-red"),
            mappings=value_mappings({UNKNOWN: "?", 0: "none"}),
            overrides=colours("RUNNING", "finished", "in a day", "not told"),
        ),
    )


AGE_TILE = _age()
BLINDNESS = _blindness()
ALERTS = _alerts()
LIQUIDATIONS_TILE = _liquidations()


def _accounts() -> Panel:
    danger = f"({BLIND} - 2) or on (account) clamp_max({DANGER}, 1e6)"
    columns = {
        "State": STATE,
        "Ratio": f"{LAST_RATIO} < Inf",
        "Threshold": threshold("liquidation"),
        "Assumed": of_account("ad_ratio_threshold_assumed", 'level="liquidation"'),
        "Distance": LIQUIDATION_DISTANCE,
        "Repay": _needed("repay"),
        "Deposit": _needed("deposit"),
        "Interest": most("interest_per_day_amount"),
        "Age": f"round({AGE})",
        "Danger": danger,
    }
    targets = [Target(column(name, value)) for name, value in columns.items()]
    of_unit = column("has unit", UNIT, by=("account", "unit"))
    label = f"{of_account('ad_ratio_label')} == 1"
    targets += [Target(of_unit), Target(column("has label", label, by=("account", "label")))]
    money: dict[str, str | int] = {"unit": "locale", "decimals": 2}
    return table(
        "Accounts, the one in most danger first",
        "Repay and add: what the account needs to be above its warning threshold, either of them, "
        "in the unit of its totals. A ratio of a stale account is the last one known. Label: what "
        "the exchange itself calls the account's safety. Thresholds that you have not "
        "set are assumed, for the exchange publishes none.",
        24,
        columns={
            "account": "Account",
            "State": "State",
            "Ratio": "Ratio",
            "Distance": "Distance",
            "Repay": "Repay",
            "Deposit": "or add",
            "unit": "Unit",
            "Age": "Age",
            "Threshold": "Liquidation at",
            "Assumed": "which is",
            "Interest": "Interest per day",
            "label": "Exchange's label",
        },
        targets=targets,
        look=FieldOptions(
            unit="none",
            empty="-",
            overrides=[
                override("Unit", width=70),
                override("Liquidation at", width=115),
                override("which is", width=85, mappings=value_mappings({1: "assumed", 0: "set"})),
                override(
                    "State",
                    width=150,
                    align="center",
                    mappings=words_of_numbers(),
                    cellOptions=FILLED,
                ),
                override("Ratio", decimals=3, width=80),
                override(
                    "Distance",
                    width=90,
                    unit="percentunit",
                    decimals=1,
                    thresholds=DISTANCE_STEPS,
                    cellOptions=FILLED,
                ),
                override("Repay", **money, width=115, mappings=value_mappings({0: "nothing"})),
                override("or add", **money, width=115, mappings=value_mappings({0: "nothing"})),
                override("Interest per day", **money, width=130),
                override("Age", unit="s", decimals=0, width=80, mappings=[NEVER]),
                override(
                    "Account",
                    width=120,
                    links=[
                        {
                            "title": "Only this account",
                            "url": "/d/bitopro-margin-account?var-account=${__value.text}"
                            "&${datasource:queryparam}&${__url_time_range}",
                        }
                    ],
                ),
            ],
        ),
        sorted_by="Danger",
        hidden=("Danger", "has unit", "has label"),
    )


ACCOUNTS = _accounts()
