"""The row "Does it work?": tiles, and the accounts as the exporter sees them."""

from grafana.am_i_safe import NEVER
from grafana.kinds import FILLED, stat, table
from grafana.panels import FieldOptions, Panel, Target, override, steps
from grafana.promql import AGE, alerts, column, first_of, of_account, of_exporters, of_target
from grafana.states import colours, value_mappings

_UNKNOWN = -2.0
_MARK = value_mappings({_UNKNOWN: "?"})
_RED = steps("dark-red")

# What the exporter allows itself of the 600 requests a minute that the exchange grants an address.
REQUESTS_PER_MINUTE = 540


def requests_per_minute() -> str:
    """Return the requests of each exporter: its polls, and what it asks of optional endpoints.

    Retries within a poll are not counted by the exporter; at most one more each.
    """
    return f"60 * sum by (job, instance) (rate({of_account('polls_total')}[$__rate_interval]))"


def _exporters() -> Panel:
    up = of_exporters(of_target("up"))
    expression = first_of(
        (f"count(({up}) == 0)", "DOWN"),
        (f"count({up})", "up"),
        (f"vector({_UNKNOWN:g})", "UNKNOWN: no target"),
    )
    return stat(
        "Exporters",
        "Whether Prometheus can scrape every exporter.",
        6,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            thresholds=_RED,
            mappings=_MARK,
            overrides=colours("DOWN", "up", "UNKNOWN"),
        ),
    )


def _accounts() -> Panel:
    up = f"max by (account) ({of_account('up')})"
    expression = first_of(
        (f"count({up} == 0)", "NOT ANSWERED"),
        (f"count({up})", "answered"),
        (f"vector({_UNKNOWN:g})", "UNKNOWN: no account"),
    )
    return stat(
        "Accounts whose last poll",
        "Accounts whose last poll did not give a complete, verified answer, or else all of them.",
        6,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            thresholds=_RED,
            mappings=_MARK,
            overrides=colours("NOT ANSWERED", "answered", "UNKNOWN"),
        ),
    )


def _failing() -> Panel:
    failures = f"sum(rate({of_account('poll_failures_total')}[$__rate_interval]))"
    polls = f"sum(rate({of_account('polls_total')}[$__rate_interval]))"
    return stat(
        "Polls that fail",
        "The share of polls of the last minutes that gave no verified answer.",
        6,
        [Target(f"{failures} / ({polls} > 0) or vector({_UNKNOWN:g})", "of all polls")],
        FieldOptions(
            unit="percentunit",
            decimals=1,
            thresholds=steps("dark-red", (0, "green"), (0.001, "yellow"), (0.3, "red")),
            mappings=_MARK,
        ),
    )


def _firing(severity: str) -> str:
    return alerts(f'severity="{severity}"')


def _alerts() -> Panel:
    watchdog = 'ALERTS{alertname="BitoproMarginWatchdog", alertstate="firing"}'
    expression = first_of(
        (f"absent({watchdog}) * {_UNKNOWN:g}", "RULES DO NOT RUN"),
        (f"count({_firing('critical')})", "critical"),
        (f"count({_firing('warning')})", "warning"),
        (f"count({_firing('info')})", "for information"),
        ("vector(0)", "all quiet"),
    )
    return stat(
        "Firing alerts",
        "How many alerts of the worst severity fire, of accounts and of the exporter itself.",
        6,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            thresholds=_RED,
            mappings=value_mappings({_UNKNOWN: "?", 0: "none"}),
            overrides=colours(
                "RULES DO NOT RUN", "critical", "warning", "for information", "all quiet"
            ),
        ),
    )


def _budget() -> Panel:
    return stat(
        "Request budget used",
        f"Requests per minute against the {REQUESTS_PER_MINUTE} that one exporter allows itself; "
        "the exchange grants an address 600. The highest of the exporters.",
        6,
        [
            Target(
                f"max({requests_per_minute()}) / {REQUESTS_PER_MINUTE} or vector({_UNKNOWN:g})",
                f"of {REQUESTS_PER_MINUTE} a minute",
            )
        ],
        FieldOptions(
            unit="percentunit",
            decimals=1,
            thresholds=steps("dark-red", (0, "green"), (0.7, "yellow"), (0.9, "red")),
            mappings=_MARK,
        ),
    )


def _skew() -> Panel:
    skew = f"topk(1, abs({of_account('clock_skew_seconds')}))"
    return stat(
        "Largest clock skew",
        "By how much the exporter's clock and the exchange's differ, either way; the exchange "
        "tells whole seconds. Above 5 s its requests are in danger of being refused.",
        6,
        [Target(f"{skew} or on () vector({_UNKNOWN:g})", "{{instance}}")],
        FieldOptions(
            unit="s",
            decimals=1,
            thresholds=steps("dark-red", (0, "green"), (2, "yellow"), (5, "red")),
            mappings=_MARK,
        ),
    )


def _starts() -> Panel:
    started = of_target("process_start_time_seconds")
    return stat(
        "Starts in an hour",
        "How often the exporters have been started in the last hour, after the first time. Between "
        "two starts nothing is watched.",
        6,
        [
            Target(
                f"sum({of_exporters(f'changes({started}[1h])')}) or vector({_UNKNOWN:g})",
                "restarts",
            )
        ],
        FieldOptions(
            unit="none",
            thresholds=steps("dark-red", (0, "green"), (1, "yellow"), (3, "red")),
            mappings=value_mappings({_UNKNOWN: "?", 0: "none"}),
        ),
    )


def _configuration() -> Panel:
    reloaded = of_target("bitopro_margin_exporter_config_last_reload_successful")
    expression = first_of(
        (f"count({reloaded} == 0)", "REFUSED"),
        (f"count({reloaded})", "accepted"),
        (f"vector({_UNKNOWN:g})", "UNKNOWN"),
    )
    return stat(
        "Configurations",
        "Exporters whose changed configuration was refused: they run with the former one, and "
        "their next start will fail.",
        6,
        [Target(expression, "{{state}}")],
        FieldOptions(
            unit="none",
            thresholds=_RED,
            mappings=_MARK,
            overrides=colours("REFUSED", "accepted", "UNKNOWN"),
        ),
    )


FIRST_LINE = (_exporters(), _accounts(), _failing(), _alerts())
SECOND_LINE = (_budget(), _skew(), _starts(), _configuration())


def _accounts_table() -> Panel:
    undocumented = of_account("undocumented_values_total")
    columns = {
        "Up": of_account("up"),
        "Age": f"round({AGE})",
        "Stale": of_account("stale_after_seconds"),
        "Interval": of_account("poll_interval_seconds"),
        "Account": of_account("account_status"),
        "Margin": of_account("margin_status"),
        "Contradictions": f"sum by (account) ({of_account('inconsistent')})",
        "Undocumented": f"sum by (account) (increase({undocumented}[1d]))",
    }
    return table(
        "Accounts",
        "The last poll, the age of what is known and when it goes stale; two statuses, of which "
        "only 1 is documented; contradictions in the answer; undocumented values of a day.",
        24,
        columns={
            "account": "Account",
            "Up": "Last poll",
            "Age": "Age",
            "Stale": "Stale after",
            "Interval": "Poll interval",
            "Account": "Account status",
            "Margin": "Margin status",
            "Contradictions": "Contradictions",
            "Undocumented": "Undocumented",
        },
        targets=[Target(column(name, value)) for name, value in columns.items()],
        look=FieldOptions(
            unit="none",
            decimals=0,
            empty="-",
            overrides=[
                override(
                    "Last poll",
                    mappings=value_mappings({1: "good", 0: "FAILED"}),
                    thresholds=steps("red", (1, "green")),
                    cellOptions=FILLED,
                    align="center",
                ),
                override("Age", unit="s", mappings=[NEVER]),
                override("Stale after", unit="s"),
                override("Poll interval", unit="s"),
            ],
        ),
        sorted_by="Up",
    )


ACCOUNTS = _accounts_table()
