"""What an account holds and owes, by currency, and what that costs."""

from grafana.kinds import COLOURED, lines, table
from grafana.panels import FieldOptions, Panel, Target, override, steps
from grafana.promql import (
    DEBTLESS,
    LEVELS,
    column,
    least,
    most,
    of_account,
    of_currency,
)
from grafana.states import colours_of_currencies, value_mappings
from grafana.values import Json

_BY = ("account", "currency")
_STACKED: Json = {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 30, "lineWidth": 1}
_STATUS = value_mappings({0: "off", 1: "on", 2: "maintenance"})
_STATUS_STEPS = steps("yellow", (1, "green"), (2, "yellow"))
_PER_DAY = most("interest_per_day_amount")
_ASSET = least("asset_value", by=_BY)
_DEBT = most("debt_value", by=_BY)


def _value(title: str, description: str, value: str, total: str, empty: str) -> Panel:
    return lines(
        title,
        f"{description}, at mark prices, in the unit of the account's totals, stacked.",
        12,
        [
            Target(value, "{{account}} {{currency}}"),
            Target(f"{most(total)} == 0", "{{account}} nothing"),
        ],
        FieldOptions(
            unit="locale",
            decimals=0,
            minimum=0,
            empty=empty,
            overrides=colours_of_currencies(),
        ),
        custom=_STACKED,
        has_wide_legend=True,
    )


def _or_nothing(value: str, amount: str) -> str:
    """Return values, and 0 where there is no amount; where there is one, none is unknown."""
    return f"{value} or on (account, currency) {most(amount, by=_BY)} == 0"


def _balances() -> Panel:
    columns = {
        "Available": of_currency("available_amount"),
        "Traded": of_currency("traded_amount"),
        "Total": of_currency("total_amount"),
        "Borrowed": of_currency("borrow_amount"),
        "Interest": of_currency("borrow_interest_amount"),
        "Value": _or_nothing(_ASSET, "total_amount"),
        "Debt": _or_nothing(_DEBT, "borrow_amount"),
        "Borrowing": of_currency("borrow_status"),
        "Transfers": of_currency("transfer_status"),
    }
    return table(
        "Balances",
        "What the last poll told, in the currency itself; the two values are at mark prices, in "
        "the unit of the account's totals. An account that is stale is not here.",
        24,
        columns={
            "account": "Account",
            "currency": "Currency",
            "Available": "Available",
            "Traded": "In open orders",
            "Total": "Total held",
            "Value": "Value held",
            "Borrowed": "Borrowed",
            "Interest": "Interest owed",
            "Debt": "Value owed",
            "Borrowing": "Borrowing",
            "Transfers": "Transfers",
        },
        targets=[Target(column(name, value, by=_BY)) for name, value in columns.items()],
        look=FieldOptions(
            unit="locale",
            empty="-",
            overrides=[
                *(override(name, decimals=2) for name in ("Value held", "Value owed")),
                *(
                    override(
                        name,
                        mappings=_STATUS,
                        thresholds=_STATUS_STEPS,
                        cellOptions=COLOURED,
                    )
                    for name in ("Borrowing", "Transfers")
                ),
            ],
        ),
        sorted_by="account",
    )


def _interest_per_day() -> Panel:
    return lines(
        "Interest per day",
        "Interest that all debt of the account costs in a day, at mark prices and at the rates of "
        "now, in the unit of the account's totals; without interest on interest.",
        8,
        [Target(_PER_DAY, "{{account}}")],
        FieldOptions(
            unit="locale", decimals=2, minimum=0, empty="Rates, prices or fresh data are missing."
        ),
    )


def _interest_accrued() -> Panel:
    by = ", ".join(_BY)
    interest = f"max by ({by}) ({of_currency('borrow_interest_amount')})"
    owed = f"(max by ({by}) ({of_currency('borrow_amount')}) + {interest} > 0)"
    return lines(
        "Interest accrued, not yet paid",
        "Interest that has added up on what is borrowed, at mark prices, in the unit of the "
        "account's totals. It falls when you repay.",
        8,
        [
            Target(
                f"{_DEBT} * on ({by}) {interest} / on ({by}) {owed}", "{{account}} {{currency}}"
            ),
            Target(DEBTLESS, "{{account}} nothing"),
        ],
        FieldOptions(
            unit="locale",
            decimals=2,
            minimum=0,
            empty="Nothing is owed, or fresh data are missing.",
            overrides=colours_of_currencies(),
        ),
        custom={"axisSoftMax": 1},
    )


def _time_left() -> Panel:
    days = f"{least('time_to_threshold_seconds', by=('account', 'level'))} / 86400"
    assets = f"max by (account) ({of_account('total_asset_amount')} > 0)"
    return table(
        "Days left, if only interest moved",
        "Days until interest alone brings the account below its thresholds, at prices and rates of "
        "now; 0 if it is below. Share: interest per day, as a part of the assets.",
        8,
        columns={
            "account": "Account",
            "share": "Share per day",
            **{level: f"to {level}" for level in LEVELS},
        },
        targets=[
            Target(days),
            Target(column("share", f"{_PER_DAY} / on (account) {assets}", "level")),
        ],
        look=FieldOptions(
            unit="locale",
            decimals=0,
            empty="no interest",
            overrides=[
                override("Account", width=80),
                override("Share per day", unit="percentunit", decimals=4, width=100),
                *(override(f"to {level}", width=85) for level in LEVELS),
            ],
        ),
        sorted_by="liquidation",
        name_label="level",
    )


ASSETS = _value(
    "Assets by currency",
    "What is held",
    _ASSET,
    "total_asset_amount",
    "Prices or fresh data are missing.",
)
DEBT = _value(
    "Debt by currency",
    "What is owed, principal and interest",
    _DEBT,
    "total_debt_amount",
    "Nothing is owed; or prices or fresh data are missing.",
)
BALANCES = _balances()
INTEREST_PER_DAY = _interest_per_day()
INTEREST_ACCRUED = _interest_accrued()
TIME_LEFT = _time_left()
