"""The numbers in docs/risk.md are what the formulas give, and what the exporter exports."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from exporter.metrics.negotiation import Format
from exporter.metrics.page import Exposition
from exporter.metrics.risk import RISK_FAMILIES
from tests.positions import Position, answer
from tests.states import polled

TEXT = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()
EXAMPLES: Mapping[str, Position] = {
    "documented": Position(
        answer(
            ("748280.01765", "129823.08658948"),
            {
                "BTC": ("9.9999", "2.00008624", "0.00236786"),
                "USDT": ("100041.5001", "15.00078403", "0"),
            },
        ),
        {"BTC": "64824.5"},
        {"BTC": "1", "USDT": "5"},
    ),
    "loan": Position(
        answer(("120000", "85000"), {"BTC": ("2", "0", "0"), "USDT": ("0", "85000", "0")}),
        {"BTC": "60000"},
        {"USDT": "14.6"},
    ),
    "short": Position(
        answer(("150000", "90000"), {"BTC": ("0", "1.5", "0"), "USDT": ("150000", "0", "0")}),
        {"BTC": "60000"},
        {"BTC": "3.65"},
    ),
}

ROWS = [
    (series, example, cell)
    for series, *cells in re.findall(
        r"^\| `bitopro_margin_(\S+)` \| (\S+) \| (\S+) \| (\S+) \|$", TEXT, re.MULTILINE
    )
    for example, cell in zip(EXAMPLES, cells, strict=True)
]
CALCULATIONS = re.findall(
    r"^(.+) = (\S+)$",
    "\n".join(re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)),
    re.MULTILINE,
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def number(text: str) -> Decimal:
    """Return a number as it is written for people."""
    return Decimal(text.replace(",", "").replace("−", "-"))


def as_written(value: Decimal | float, cell: str) -> Decimal:
    """Round a value to the digits that a cell shows."""
    return Decimal(value).quantize(
        Decimal(1).scaleb(-len(cell.partition(".")[2])), rounding=ROUND_HALF_UP
    )


class Reference:
    """The formulas once more, for one currency that moves: BTC."""

    def __init__(self, position: Position) -> None:
        balances, self.price = position.snapshot.balances, position.mark_prices.prices["BTC"]
        self.owes = {name: each.borrow_amount for name, each in balances.items()}
        self.rates = position.annual_ratios
        owed = {
            name: each.borrow_amount + each.borrow_interest_amount
            for name, each in balances.items()
        }
        self.asset = balances["BTC"].total_amount * self.price
        self.debt = owed["BTC"] * self.price
        self.assets = self.asset + balances["USDT"].total_amount
        self.debts = self.debt + owed["USDT"]
        self.levels = {
            name: Decimal(str(ratio)) for name, ratio in position.thresholds.by_level().items()
        }

    def move(self, level: str) -> Decimal | None:
        threshold = self.levels[level]
        move = (threshold * self.debts - self.assets) / (self.asset - threshold * self.debt)
        return move if move > -1 else None

    def value(self, series: str) -> Decimal | None:
        """Return what a series should be."""
        name, labels = series.partition("{")[0], dict(re.findall(r'(\w+)="([^"]+)"', series))
        level, shock = labels.get("level", ""), Decimal(labels.get("shock", "0"))
        threshold = self.levels.get(level, Decimal(1))
        shortfall = max(threshold * self.debts - self.assets, Decimal(0))
        move = self.move(level) if level else None
        by_day = sum(
            (
                amount * (self.price if each == "BTC" else 1) * self.rates[each] / 365
                for each, amount in self.owes.items()
                if amount
            ),
            Decimal(0),
        )
        repay = shortfall / (threshold - 1) if threshold > 1 else None
        values = {
            "ad_ratio_exact": self.assets / self.debts,
            "asset_value": self.asset,
            "debt_value": self.debt,
            "liquidation_move_ratio": move,
            "liquidation_move_together_ratio": move,
            "liquidation_price": None if move is None else self.price * (1 + move),
            "liquidation_distance_ratio": None if move is None else abs(move),
            "stress_ad_ratio": (self.assets + shock * self.asset)
            / (self.debts + shock * self.debt),
            "rescue_amount": repay if labels.get("way") == "repay" else shortfall,
            "interest_per_day_amount": by_day,
            "time_to_threshold_seconds": 86_400 * (self.assets / threshold - self.debts) / by_day,
        }
        return values[name]


@pytest.fixture(scope="module")
def exported() -> Mapping[str, Mapping[str, float]]:
    """What a page shows of each example, by series without the account."""
    found = {}
    for name, position in EXAMPLES.items():
        exposition = Exposition(lambda: 0.0)
        exposition.put(polled(position.body).assessed(position.market, 0.0))
        text = exposition.page(Format.TEXT).decode()
        samples = re.findall(r"^bitopro_margin_(\S+) (\S+)$", text, re.MULTILINE)
        found[name] = {_without_account(series): float(value) for series, value in samples}
    return found


def _without_account(series: str) -> str:
    name, _, labels = series.partition("{")
    others = sorted(
        pair for pair in labels.rstrip("}").split(",") if pair and not pair.startswith("account=")
    )
    return f"{name}{{{','.join(others)}}}" if others else name


def test_numbers_are_what_the_exporter_and_the_formulas_give(
    exported: Mapping[str, Mapping[str, float]],
) -> None:
    wrong = []
    for series, example, cell in ROWS:
        # Nothing is worth nothing; the exporter leaves it out.
        default = 0.0 if "_value" in series else None
        given = exported[example].get(series, default)
        computed = Reference(EXAMPLES[example]).value(series)
        for value in (given, computed):
            shown = "—" if value is None else as_written(value, cell)
            if shown != (cell if cell == "—" else number(cell)):
                wrong.append((series, example, cell, given, computed))

    assert wrong == []


@pytest.mark.parametrize(("calculation", "result"), CALCULATIONS)
def test_calculation_is_right(calculation: str, result: str) -> None:
    decimals = NUMBER.sub(lambda each: f"Decimal('{number(each[0])}')", calculation)
    expression = decimals.replace("×", "*").replace("−", "-")

    value = eval(expression, {"Decimal": Decimal})  # noqa: S307 - our own document

    assert as_written(value, result) == number(result)


def test_every_number_of_the_document_is_looked_at() -> None:
    assert len(ROWS) == 3 * TEXT.count("\n| `bitopro_margin_")
    assert len(CALCULATIONS) == sum(
        len(block.splitlines())
        for block in re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    )


def test_totals_of_the_documented_account_follow_from_its_price() -> None:
    reference = Reference(EXAMPLES["documented"])

    assert f"{reference.assets.normalize():,f}" in TEXT
    assert f"{reference.debts.normalize():,f}" in TEXT


def test_every_family_of_risk_is_in_the_table() -> None:
    told = {f"bitopro_margin_{series.partition('{')[0]}" for series, _, _ in ROWS}

    # Settings, and what is 0 or absent for an account about which nothing is missing.
    others = {
        "distance_threshold_ratio",
        "stable_currency",
        "price_missing",
        "totals_difference_ratio",
    }
    assert {family.name for family in RISK_FAMILIES} - told == {
        f"bitopro_margin_{name}" for name in others
    }
