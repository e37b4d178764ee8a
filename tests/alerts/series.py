"""Accounts by what they hold and owe, with totals that prices explain."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.alerts.scenarios import History, World, always

PRICES: Mapping[str, float] = {"BTC": 60_000, "ETH": 3_000, "USDC": 1}
RATES: Mapping[str, float] = {"BTC": 0.0365, "ETH": 0.073, "USDC": 0.1, "USDT": 0.146}
LEVELS: Mapping[str, float] = {"warning": 1.5, "critical": 1.3, "liquidation": 1.2}

Values = Mapping[str, float | str]


@dataclass(frozen=True)
class Position:
    """What one page shows: amounts and prices by currency, annual rates, thresholds.

    Totals are computed where they are not given; a currency without a price counts nothing there.
    """

    holds: Values
    owes: Values = field(default_factory=dict)
    interest: Mapping[str, float] = field(default_factory=dict)
    prices: Values = field(default_factory=lambda: PRICES)
    rates: Values = field(default_factory=lambda: RATES)
    levels: Mapping[str, float] = field(default_factory=lambda: LEVELS)
    assets: float | str | None = None
    debt: float | str | None = None
    unit: str = "USDT"
    prices_unit: str = "USDT"

    def series(
        self, account: str, *, instance: str | None = None, job: str = "bitopro-margin"
    ) -> World:
        """Return what scrapes show of it; it does not change."""
        target = {"instance": instance or account, "job": job}
        own = {"account": account, **target}
        currencies = sorted({*self.holds, *self.owes, *self.interest})
        samples: list[tuple[str, Mapping[str, str], float | str]] = [
            (
                "total_asset_amount",
                {**own, "unit": self.unit},
                self._total(self.assets, self.holds),
            ),
            ("total_debt_amount", {**own, "unit": self.unit}, self._total(self.debt, self._owed())),
            *(("ad_ratio_threshold", {**own, "level": k}, v) for k, v in self.levels.items()),
            *(self._amount("total_amount", self.holds, own, each) for each in currencies),
            *(self._amount("borrow_amount", self.owes, own, each) for each in currencies),
            *(
                self._amount("borrow_interest_amount", self.interest, own, each)
                for each in currencies
            ),
            *(
                ("mark_price", {"currency": k, "unit": self.prices_unit, **target}, v)
                for k, v in self.prices.items()
            ),
            *(
                ("borrow_annual_interest_ratio", {"currency": k, **target}, v)
                for k, v in self.rates.items()
            ),
        ]
        return {_named(name, labels): always(value) for name, labels, value in samples}

    def _owed(self) -> Values:
        together = {**self.interest, **self.owes}
        return {
            each: float(self.owes.get(each, 0)) + self.interest.get(each, 0) for each in together
        }

    def _total(self, given: float | str | None, amounts: Values) -> float | str:
        if given is not None:
            return given
        costs = {**self.prices, self.unit: 1.0}
        return sum(float(amount) * float(costs.get(each, 0)) for each, amount in amounts.items())

    @staticmethod
    def _amount(
        name: str, amounts: Values, own: Mapping[str, str], currency: str
    ) -> tuple[str, Mapping[str, str], float | str]:
        return name, {**own, "currency": currency}, amounts.get(currency, 0.0)


def _named(name: str, labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"bitopro_margin_{name}{{{pairs}}}"


def gone_after(seconds: int, marker: str, world: World, metric: str) -> World:
    """Let the series of a metric end, with a marker or without."""
    return {
        series: _ending(seconds, marker, history) if f"_{metric}{{" in series else history
        for series, history in world.items()
    }


def _ending(seconds: int, marker: str, history: History) -> History:
    return lambda at: history(at) if at < seconds else marker


DOCUMENTED = Position(
    holds={"BTC": 9.9999, "ETH": 0, "USDT": 100_041.5001},
    owes={"BTC": 2.00008624, "USDT": 15.00078403},
    interest={"BTC": 0.00236786},
    prices={"BTC": 64_824.5},
    rates={"BTC": 0.01, "USDT": 0.05},
    assets=748_280.01765,
    debt=129_823.08658948,
)
LONG = Position(holds={"BTC": 2}, owes={"USDT": 80_000})
SHORT = Position(holds={"USDT": 150_000}, owes={"BTC": 1.5})
MIXED = Position(holds={"BTC": 1, "ETH": 20, "USDT": 30_000}, owes={"BTC": 0.5, "USDT": 60_000})
HEDGED = Position(
    holds={"BTC": 1.2, "USDT": 10_000}, owes={"BTC": 0.9, "USDT": 1}, interest={"BTC": 0.1}
)
CROSSED = Position(holds={"BTC": 1, "USDT": 50_000}, owes={"BTC": 0.5, "USDT": 70_000})
INSOLVENT = Position(holds={"BTC": 1, "USDT": 20_000}, owes={"USDT": 90_000})

ACCOUNTS: Mapping[str, Position] = {
    "documented": DOCUMENTED,
    "long": LONG,
    "short": SHORT,
    "mixed": MIXED,
    "hedged": HEDGED,
    "crossed": CROSSED,
    "insolvent": INSOLVENT,
    "no debt": Position(holds={"BTC": 2, "USDT": 5}),
    "nothing": Position(holds={"BTC": 0, "USDT": 0}),
    "stablecoins": Position(holds={"USDC": 130_000}, owes={"USDT": 100_000}),
    "only a price of the unit": Position(
        holds={"USDT": 10}, owes={"USDT": 5}, prices={"USDT": 0.9}
    ),
    "a price missing": Position(
        holds={"BTC": 1, "ETH": 20, "ABC": 5}, owes={"USDT": 60_000}, assets=125_000
    ),
    "a price missing, crossed": Position(holds={"BTC": 1, "ABC": 5}, owes={"USDT": 60_000}),
    "a stablecoin without a price": Position(
        holds={"BTC": 2, "TWD": 320}, owes={"USDT": 80_000}, assets=120_010
    ),
    "a price not a number": Position(
        holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": "NaN"}, assets=120_000
    ),
    "a price infinite": Position(
        holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": "Inf"}, assets=120_000
    ),
    "a price of zero": Position(
        holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": 0}, assets=120_000
    ),
    "a price negative": Position(
        holds={"BTC": 2}, owes={"USDT": 80_000}, prices={"BTC": -1}, assets=120_000
    ),
    "an amount not a number": Position(holds={"BTC": "NaN"}, owes={"USDT": 80_000}, assets=120_000),
    "assets not a number": Position(holds={"BTC": 2}, owes={"USDT": 80_000}, assets="NaN"),
    "debt infinite": Position(holds={"BTC": 2}, owes={"USDT": 80_000}, debt="Inf"),
    "prices of another unit": Position(
        holds={"BTC": 2, "TWD": 100}, owes={"TWD": 50}, unit="TWD", assets=3_900_000, debt=50
    ),
    "another unit": Position(
        holds={"BTC": 2},
        owes={"TWD": 2_400_000},
        unit="TWD",
        prices_unit="TWD",
        prices={"BTC": 1_800_000},
    ),
    "a rate missing": Position(
        holds={"BTC": 2}, owes={"USDT": 40_000, "ETH": 1}, rates={"USDT": 0.1}
    ),
    "no rate needed": Position(holds={"BTC": 2}, interest={"ETH": 1}, rates={}),
    "a rate not a number": Position(holds={"BTC": 2}, owes={"USDT": 80_000}, rates={"USDT": "NaN"}),
    "totals apart": Position(
        holds={"BTC": 2, "USDT": 1_000}, owes={"ETH": 20}, assets=110_000, debt=58_000
    ),
    "owed without a total": Position(holds={"BTC": 2}, owes={"BTC": 1}, debt=0),
    "a threshold of one, and safe": Position(
        holds={"BTC": 2}, owes={"USDT": 90_000}, levels={"warning": 1.1, "liquidation": 1.0}
    ),
    "a threshold of one": Position(
        holds={"BTC": 2}, owes={"USDT": 130_000}, levels={"warning": 1.1, "liquidation": 1.0}
    ),
}
