"""The table of accounts, sorted by danger."""

from grafana.kinds import FILLED, table
from grafana.panels import Look, Panel, Target, override
from grafana.promql import (
    AGE,
    BLIND,
    DANGER,
    LAST_RATIO,
    STATE,
    UNIT,
    column,
    of_account,
    recorded,
    threshold,
)
from grafana.safety import DISTANCE_STEPS, LIQUIDATION_DISTANCE, NEVER
from grafana.states import said, words_of_numbers


def _accounts() -> Panel:
    danger = f"({BLIND} - 2) or on (account) clamp_max({DANGER}, 1e6)"
    to_warning = 'level="warning"'
    columns = {
        "State": STATE,
        "Ratio": f"{LAST_RATIO} < Inf",
        "Threshold": threshold("liquidation"),
        "Assumed": of_account("ad_ratio_threshold_assumed", 'level="liquidation"'),
        "Distance": LIQUIDATION_DISTANCE,
        "Repay": recorded("account:bitopro_margin_rescue_repay:unit", to_warning),
        "Deposit": recorded("account:bitopro_margin_rescue_deposit:unit", to_warning),
        "Interest": recorded("account:bitopro_margin_interest_per_day:unit"),
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
        look=Look(
            unit="none",
            empty="-",
            overrides=[
                override("Unit", width=70),
                override("Liquidation at", width=115),
                override("which is", width=85, mappings=said({1: "assumed", 0: "set"})),
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
                override("Repay", **money, width=115, mappings=said({0: "nothing"})),
                override("or add", **money, width=115, mappings=said({0: "nothing"})),
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
