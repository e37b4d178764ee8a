"""The row "What would push me over?": what moves of prices would do."""

from grafana.kinds import FILLED, PLAIN, bars, table
from grafana.panels import FieldOptions, Panel, Target, override, steps
from grafana.promql import (
    DEBTLESS,
    FRESH,
    LEVELS,
    STATE,
    WORST_RATIO,
    column,
    crossed,
    least,
    most,
    of_currency,
    threshold,
)
from grafana.states import colours, value_mappings, words_of_numbers

_NO_DEBT = "No debt, so no ratio; or no fresh data, which the tiles above tell."
_COLOURS = {"warning": "yellow", "critical": "orange", "liquidation": "red"}
_NOW = "as now"
_SHOCKS = {
    "-0.1": "-10 %",
    "-0.2": "-20 %",
    "-0.3": "-30 %",
    "-0.5": "-50 %",
    "0.1": "+10 %",
    "0.2": "+20 %",
    "0.3": "+30 %",
}
_STRESS = least("stress_ad_ratio", by=("account", "shock"))
_NOTHING = -1.0

# Of moves both ways: far is green, near is red.
_MOVE_STEPS = steps("green", (-0.2, "yellow"), (-0.1, "red"), (0.1, "yellow"), (0.2, "green"))


def _ladder() -> Panel:
    def in_words(ratio: str, shock: str) -> str:
        return f'label_replace({ratio}, "shock", "{shock}", "", "")'

    def after(shock: str) -> str:
        ratio = least("stress_ad_ratio", f'shock="{shock}"')
        return f"{crossed(ratio)} or on (account) ({DEBTLESS} - 1)"

    cells = [in_words(STATE, _NOW)] + [
        in_words(after(shock), text) for shock, text in _SHOCKS.items()
    ]
    order = [
        in_words(f"vector({place})", text) for place, text in enumerate((_NOW, *_SHOCKS.values()))
    ]
    return table(
        "If all prices moved by ...",
        "Which threshold each account would be below if all prices but those of stable currencies "
        "moved at once. Without debt there is no threshold to fall below.",
        14,
        columns={"shock": "Move"},
        targets=[
            *(Target(cell) for cell in cells),
            Target(f'label_replace({" or ".join(order)}, "account", "Order", "", "")'),
        ],
        look=FieldOptions(
            unit="none",
            thresholds=steps("transparent"),
            mappings=words_of_numbers(are_short=True),
            empty="-",
            overrides=[override("Move", cellOptions=PLAIN, align="left", width=90)],
        ),
        sorted_by="Order",
        name_label="account",
        hidden=("Order",),
        are_cells_filled=True,
    )


def _ladder_of_worst() -> Panel:
    worst = f"({_STRESS} and on (account) {WORST_RATIO})"
    told = " or on (account, shock) ".join(
        f'label_replace({worst} {condition}, "state", "{word}", "", "")'
        for condition, word in (
            *(
                (f"< on (account) group_left () {threshold(level)}", level)
                for level in reversed(LEVELS)
            ),
            ("< Inf", "above"),
        )
    )
    # From "0.1" to "+10 %".
    signed = f'label_replace({told}, "shock", "+$1", "shock", "(0.+)")'
    percent = f'label_replace({signed}, "shock", "$1${{2}}0 %", "shock", "(.)0[.](.)")'
    nothing = " or ".join(
        f'label_replace(vector({_NOTHING:g}), "shock", "{text}", "", "")'
        for text in _SHOCKS.values()
    )
    otherwise = f'label_replace({nothing}, "state", "no ratio", "", "")'
    return bars(
        "What the lowest ratio would be",
        "The ratio of the account in most danger if all prices but those of stable currencies "
        "moved at once, in the colour of the threshold it would be below.",
        10,
        [Target(f"sort({percent} or on () {otherwise})", "{{shock}} {{state}}")],
        FieldOptions(
            unit="none",
            decimals=2,
            minimum=0,
            mappings=value_mappings({_NOTHING: "-"}),
            overrides=colours(*(f"% {level}" for level in LEVELS), "% above", "no ratio"),
        ),
    )


def _prices() -> Panel:
    by = ("account", "currency")
    moves = of_currency("liquidation_move_ratio", 'level="liquidation"')
    prices = of_currency("liquidation_price", 'level="liquidation"')
    with_moves = "and on (job, instance, account, currency)"
    # Of two exporters, the nearest fall, or else the nearest rise.
    move = (
        f"(max by (account, currency) ({moves} <= 0) or min by (account, currency) ({moves} > 0))"
    )
    price = (
        f"(max by (account, currency) ({prices} {with_moves} {moves} <= 0) "
        f"or min by (account, currency) ({prices} {with_moves} {moves} > 0))"
    )
    columns = {
        "Move": move,
        "Then": price,
        "Now": f"{price} / on (account, currency) (1 + {move})",
        # A currency with a move has a price: what has no value there is not held, or not owed.
        "Held": f"{least('asset_value', by=by)} or on (account, currency) abs(0 * {move})",
        "Owed": f"{most('debt_value', by=by)} or on (account, currency) abs(0 * {move})",
        "Nearness": f"abs({move})",
    }
    way = (
        f'label_replace({move} <= 0, "way", "falls to", "", "") '
        f'or label_replace({move} > 0, "way", "rises to", "", "")'
    )
    # Fresh accounts that are not here are here to say so.
    none = (
        f'label_replace(9 * ({FRESH} unless on (account) {move}), "way", "none alone can", "", "")'
    )
    targets = [
        Target(f"{column(name, value, by=by)} and on (account, currency) {move}")
        for name, value in columns.items()
    ]
    targets += [
        Target(column("has way", way, by=(*by, "way"))),
        Target(column("Nearness", none, by=("account", "way"))),
    ]
    return table(
        "Liquidated, if one price alone ...",
        "For each currency the price at which the account is at its liquidation threshold, if all "
        "other prices stay: a fall of what is held, a rise of what is owed. Prices and values are "
        "in the unit of the account's totals. A currency that is not here cannot do it alone.",
        24,
        columns={
            "account": "Account",
            "currency": "Currency",
            "way": "Way",
            "Then": "Liquidation price",
            "Move": "Move",
            "Now": "Price now",
            "Held": "Value held",
            "Owed": "Value owed",
        },
        targets=targets,
        look=FieldOptions(
            unit="locale",
            empty="none",
            overrides=[
                override(
                    "Move",
                    width=80,
                    unit="percentunit",
                    decimals=1,
                    thresholds=_MOVE_STEPS,
                    cellOptions=FILLED,
                ),
                override("Value held", decimals=0, width=100),
                override("Value owed", decimals=0, width=100),
            ],
        ),
        sorted_by="Nearness",
        hidden=("Nearness", "has way"),
    )


LADDER = _ladder()
LADDER_OF_WORST = _ladder_of_worst()
PRICES = _prices()
