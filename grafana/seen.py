"""The accounts as the exporter sees them."""

from grafana.kinds import FILLED, table
from grafana.panels import Look, Panel, Target, override, steps
from grafana.promql import AGE, column, of_account
from grafana.safety import NEVER
from grafana.states import said


def _accounts() -> Panel:
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
        look=Look(
            unit="none",
            decimals=0,
            empty="-",
            overrides=[
                override(
                    "Last poll",
                    mappings=said({1: "good", 0: "FAILED"}),
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


ACCOUNTS = _accounts()
