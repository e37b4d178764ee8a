"""The numbers in docs/risk.md are what the formulas give, and what the rules give."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.alerts.deployment import RISK_RULES, ROOT, rules_of
from tests.alerts.scenarios import evaluated
from tests.alerts.series import DOCUMENTED, SHORT, Position

TEXT = (ROOT / "docs" / "risk.md").read_text()
LOAN = Position(holds={"BTC": 2}, owes={"USDT": 85_000})
EXAMPLES: Mapping[str, Position] = {"documented": DOCUMENTED, "loan": LOAN, "short": SHORT}

ROWS = [
    (record, example, cell)
    for record, *cells in re.findall(
        r"^\| `(account\S+)` \| (\S+) \| (\S+) \| (\S+) \|$", TEXT, re.MULTILINE
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
    """The formulas once more, in decimals, for one currency that moves: BTC."""

    def __init__(self, position: Position) -> None:
        def decimals(values: Mapping[str, float | str]) -> dict[str, Decimal]:
            return {each: Decimal(str(value)) for each, value in values.items()}

        self.price = decimals(position.prices)["BTC"]
        holds, self.owes = decimals(position.holds), decimals(position.owes)
        interest, self.rates = decimals(position.interest), decimals(position.rates)
        owed = {
            each: self.owes.get(each, Decimal(0)) + interest.get(each, Decimal(0))
            for each in ("BTC", "USDT")
        }
        self.asset = holds.get("BTC", Decimal(0)) * self.price
        self.debt = owed["BTC"] * self.price
        self.assets = self.asset + holds.get("USDT", Decimal(0))
        self.debts = self.debt + owed["USDT"]
        self.levels = decimals(position.levels)

    def move(self, level: str) -> Decimal | None:
        threshold = self.levels[level]
        move = (threshold * self.debts - self.assets) / (self.asset - threshold * self.debt)
        return move if move > -1 else None

    def value(self, record: str, label: str) -> Decimal | None:
        """Return what a record should be, by the label that matters for it."""
        threshold = self.levels.get(label, Decimal(1))
        shortfall = max(threshold * self.debts - self.assets, Decimal(0))
        move = self.move(label) if label in self.levels else None
        shock = Decimal(label) if record.endswith(":stress") else Decimal(0)
        by_day = sum(
            (
                amount * (self.price if each == "BTC" else 1) * self.rates[each] / 365
                for each, amount in self.owes.items()
            ),
            Decimal(0),
        )
        values = {
            "ad_ratio:exact": self.assets / self.debts,
            "asset:unit": self.asset,
            "debt:unit": self.debt,
            "liquidation_move:ratio": move,
            "liquidation_price:unit": None if move is None else self.price * (1 + move),
            "liquidation_distance:ratio": None if move is None else abs(move),
            "ad_ratio:stress": (self.assets + shock * self.asset)
            / (self.debts + shock * self.debt),
            "rescue_repay:unit": shortfall / (threshold - 1) if threshold > 1 else None,
            "rescue_deposit:unit": shortfall,
            "interest_per_day:unit": by_day,
            "days_to_threshold:days": (self.assets / threshold - self.debts) / by_day,
        }
        return values[record.partition("bitopro_margin_")[2]]


Recorded = Mapping[tuple[str, str], float]


@pytest.fixture(scope="module")
def recorded(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """What the rules give, by example and record with its labels."""
    world = {k: v for name, each in EXAMPLES.items() for k, v in each.series(name).items()}
    folder = tmp_path_factory.mktemp("examples")
    samples = evaluated(promtool, folder, world, '{__name__=~"account.*"}', minutes=1)
    return {(labels["account"], _written(labels)): value for labels, value in samples}


def _written(labels: Mapping[str, str]) -> str:
    pairs = [
        f'{name}="{value}"'
        for name, value in sorted(labels.items())
        if name not in {"__name__", "account"}
    ]
    return labels["__name__"] + (f"{{{','.join(pairs)}}}" if pairs else "")


def test_numbers_are_what_the_rules_and_the_formulas_give(recorded: Recorded) -> None:
    wrong = []
    for record, example, cell in ROWS:
        given = recorded.get((example, record))
        computed = Reference(EXAMPLES[example]).value(*_name_and_label(record))
        for value in (given, computed):
            shown = "—" if value is None else as_written(value, cell)
            if shown != (cell if cell == "—" else number(cell)):
                wrong.append((record, example, cell, given, computed))

    assert wrong == []


def _name_and_label(record: str) -> tuple[str, str]:
    name, _, labels = record.partition("{")
    return name, "".join(re.findall(r'(?:level|shock)="([^"]+)"', labels))


@pytest.mark.parametrize(("calculation", "result"), CALCULATIONS)
def test_calculation_is_right(calculation: str, result: str) -> None:
    decimals = NUMBER.sub(lambda each: f"Decimal('{number(each[0])}')", calculation)
    expression = decimals.replace("×", "*").replace("−", "-")

    value = eval(expression, {"Decimal": Decimal})  # noqa: S307 - our own document

    assert as_written(value, result) == number(result)


def test_every_number_of_the_document_is_looked_at() -> None:
    assert len(ROWS) == 3 * TEXT.count("\n| `account")
    assert len(CALCULATIONS) == sum(
        len(block.splitlines())
        for block in re.findall(r"^```\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    )


def test_totals_of_the_documented_account_follow_from_its_price() -> None:
    reference = Reference(DOCUMENTED)

    assert f"{reference.assets.normalize():,f}" in TEXT
    assert f"{reference.debts.normalize():,f}" in TEXT


def test_every_number_for_people_is_in_the_table() -> None:
    told = {record.partition("{")[0] for record, _, _ in ROWS}
    own = {
        rule.name for rule in rules_of(RISK_RULES) if re.match(r"account(_currency)?:", rule.name)
    }

    # They are 0 or absent for an account about which nothing is missing; the last is for an alert.
    checks = {
        "account_currency:bitopro_margin_price_missing:bool",
        "account:bitopro_margin_integrity:ratio",
        "account:bitopro_margin_last_liquidation_timestamp:last_known",
    }
    assert own - told == checks
