"""Tiles that tell whether anything is seen, and what was told."""

from grafana.kinds import stat
from grafana.panels import Look, Panel, Target, steps
from grafana.promql import AGE, BLIND, EXPECTED, alerts, first_of, of_account
from grafana.safety import NEVER, UNKNOWN, WORDS
from grafana.states import colours, said

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
        Look(
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
        "bad as in danger: nobody would see it fall.",
        4,
        [Target(expression, "of {{total}}, {{state}}")],
        Look(
            unit="none",
            thresholds=steps("dark-red"),
            mappings=said({UNKNOWN: "?", 0: "none"}),
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
        Look(
            unit="none",
            thresholds=steps("dark-red"),
            mappings=said({UNKNOWN: "?", 0: "none"}),
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
        Look(
            unit="none",
            decimals=0,
            thresholds=steps("dark-red"),
            mappings=said({UNKNOWN: "?", 0: "none"}),
            overrides=colours("RUNNING", "finished", "in a day", "not told"),
        ),
    )


AGE_TILE = _age()
BLINDNESS = _blindness()
ALERTS = _alerts()
LIQUIDATIONS_TILE = _liquidations()
