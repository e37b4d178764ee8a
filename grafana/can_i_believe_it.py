"""The row "Can I believe it?": ages, contradictions, liquidations and the market."""

from grafana.kinds import COLOURED, lines, table
from grafana.panels import (
    DASHED,
    FieldOptions,
    Panel,
    Target,
    fixed,
    override,
    override_of_query,
    steps,
)
from grafana.promql import (
    AGE,
    column,
    most,
    of_account,
    of_currency,
    of_market,
)


def _ages() -> Panel:
    limit = f"max(last_over_time({of_account('stale_after_seconds')}[1d]))"
    return lines(
        "Age of the data",
        "How long ago the exchange last gave a good answer for each account. Above the dashed line "
        "its values are no longer shown. Before the first answer there is no age.",
        12,
        [Target(f"{AGE} < 1e8", "{{account}}"), Target(limit, "stale after")],
        FieldOptions(
            unit="s",
            minimum=0,
            empty="No exporter has shown an account for a day.",
            overrides=[
                override_of_query(
                    "B",
                    color=fixed("red"),
                    lineWidth=1,
                    lineStyle=DASHED,
                )
            ],
        ),
    )


def _integrity() -> Panel:
    missing = f"{most('price_missing', by=('account', 'currency'))} == 1"
    contradicts = f"max by (account, check) ({of_account('inconsistent')} != 0)"
    return lines(
        "Do reported totals agree with balances and prices?",
        "By how much the totals that the exchange reports differ from what its own balances and "
        "mark prices make; above 1 % something is wrong. Prices that are missing, and answers "
        "that contradict themselves, appear as 100 %.",
        12,
        [
            Target(most("totals_difference_ratio"), "{{account}} differs by"),
            Target(missing, "{{account}} {{currency}}: no price"),
            Target(contradicts, "{{account}} {{check}}: contradiction"),
        ],
        FieldOptions(
            unit="percentunit",
            minimum=0,
            thresholds=steps("transparent", (0.01, "red")),
            empty="Prices or fresh data are missing.",
        ),
        custom={"thresholdsStyle": {"mode": "dashed"}},
    )


def _liquidations() -> Panel:
    last = of_account("last_liquidation_timestamp_seconds")
    columns = {
        "Number": f"increase({of_account('liquidations_total')}[$__range])",
        "Unfinished": of_account("liquidations_unfinished"),
        "Last": f"{last} * 1000",
    }
    return table(
        "Liquidations",
        "How many liquidations were finished in the time range, how many are running, and when the "
        "last one was finished, as the exchange lists them.",
        12,
        columns={
            "account": "Account",
            "Number": "In the time range",
            "Unfinished": "Running",
            "Last": "Last one",
        },
        targets=[Target(column(name, value)) for name, value in columns.items()],
        look=FieldOptions(
            unit="none",
            decimals=0,
            empty="none",
            overrides=[
                override("Last one", unit="dateTimeAsIso"),
                override(
                    "Running",
                    thresholds=steps("text", (1, "red")),
                    cellOptions=COLOURED,
                ),
            ],
        ),
        sorted_by="account",
    )


def _market() -> Panel:
    by = ("currency",)
    columns = {
        "Price": of_market("mark_price"),
        "Rate": of_market("borrow_annual_interest_ratio"),
        "Limit": of_market("borrow_user_limit_amount"),
        "Left": of_market("borrow_system_available_amount"),
        "Of": of_market("borrow_system_limit_amount"),
        "Lent": of_market("borrow_system_borrowed_amount"),
    }
    held = f"max by (currency) ({of_currency('total_amount')})"
    return table(
        "Prices and loan terms",
        "The exchange's mark prices in USDT, the interest of a year, and how much may be borrowed, "
        "in the currency itself: by you, and by all together. Of the currencies of your accounts.",
        12,
        columns={
            "currency": "Currency",
            "Price": "Mark price",
            "Rate": "Interest per year",
            "Limit": "Your limit",
            "Left": "Left to borrow",
            "Lent": "Lent to all",
            "Of": "Limit of all",
        },
        targets=[
            Target(f"{column(name, value, by=by)} and on (currency) {held}")
            for name, value in columns.items()
        ],
        look=FieldOptions(
            unit="locale",
            empty="-",
            overrides=[override("Interest per year", unit="percentunit", decimals=2)],
        ),
        sorted_by="currency",
    )


AGES = _ages()
INTEGRITY = _integrity()
LIQUIDATIONS = _liquidations()
MARKET = _market()
