"""Positions of every kind, with the market they are in."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from exporter.bitopro.balances import Snapshot, parse_snapshot
from exporter.bitopro.market import MarkPrices, parse_borrow_terms, parse_mark_prices
from exporter.risk import ASSUMED_THRESHOLDS, Risk, Thresholds, assess
from exporter.state import MarketState
from tests.conftest import FIXTURES


@dataclass(frozen=True)
class Position:
    """An answer to `GET /margin/balances`, mark prices, and interest in percent a year."""

    body: bytes
    prices: Mapping[str, str]
    percentages: Mapping[str, str]
    thresholds: Thresholds = ASSUMED_THRESHOLDS

    @property
    def snapshot(self) -> Snapshot:
        return parse_snapshot(self.body)

    @property
    def prices_body(self) -> bytes:
        """The answer with mark prices."""
        tokens = {name: {"currency": name, "price": price} for name, price in self.prices.items()}
        return json.dumps({"tokenPrices": tokens}).encode()

    @property
    def mark_prices(self) -> MarkPrices:
        return parse_mark_prices(self.prices_body)

    @property
    def annual_ratios(self) -> Mapping[str, Decimal]:
        terms = parse_borrow_terms(self.terms_body).terms.items()
        return {name: term.annual_interest_ratio for name, term in terms}

    @property
    def market(self) -> MarketState:
        """What the exporter knows of the market since time 0."""
        return (
            MarketState(3600.0)
            .after(self.mark_prices, 0.0)
            .after(parse_borrow_terms(self.terms_body), 0.0)
        )

    @property
    def terms_body(self) -> bytes:
        """The answer with terms of borrowing."""
        amounts = {
            "maxSystemAmount": "1",
            "maxUserAmount": "1",
            "systemBorrowedAmount": "0",
            "systemAvailableBorrowAmount": "1",
            "borrowStatus": 1,
            "transferStatus": 1,
        }
        terms = {
            currency: {"currency": currency, **amounts, "annualInterestPercentage": percentage}
            for currency, percentage in self.percentages.items()
        }
        return json.dumps(terms).encode()

    def risk(self) -> Risk:
        """Assess it."""
        return assess(self.snapshot, self.mark_prices.prices, self.annual_ratios, self.thresholds)


def answer(
    totals: tuple[str, str], balances: Mapping[str, tuple[str, str, str]], unit: str = "USDT"
) -> bytes:
    """Return an answer with total assets and debts, and per currency total, borrowed, interest."""
    asset, debt = totals
    document = {
        "adRatio": f"{Decimal(asset) * 100 // Decimal(debt) / 100:.2f}" if Decimal(debt) else "0",
        "adRatioLabel": "SAFETY_THRESHOLD",
        "accountID": "5411716254",
        "accountStatus": 1,
        "marginStatus": 1,
        "balances": {
            currency: {
                "availableAmount": total,
                "tradedAmount": "0",
                "borrowAmount": borrowed,
                "borrowInterestAmount": interest,
                "borrowStatus": 1,
                "transferStatus": 1,
                "totalAmount": total,
            }
            for currency, (total, borrowed, interest) in balances.items()
        },
        "calculateUnit": unit,
        "totalAssetAmount": asset,
        "totalDebtAmount": debt,
    }
    return json.dumps(document).encode()


# One ten-thousandth a day.
_RATES = {"BTC": "3.65", "ETH": "3.65", "SOL": "7.3", "USDC": "3.65", "USDT": "3.65"}

POSITIONS: Mapping[str, Position] = {
    "long": Position(
        answer(("117000", "62500"), {"BTC": ("2", "0", "0"), "USDT": ("17000", "50000", "12500")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "short": Position(
        answer(("117000", "62500"), {"BTC": ("0", "1", "0.25"), "USDT": ("117000", "0", "0")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "mixed": Position(
        answer(
            ("100000", "50000"),
            {
                "BTC": ("1", "0", "0"),
                "ETH": ("10", "5", "0"),
                "SOL": ("0", "99", "1"),
                "USDC": ("1000", "0", "0"),
                "USDT": ("29000", "30000", "0"),
            },
        ),
        {"BTC": "50000", "ETH": "2000", "SOL": "100", "USDC": "1", "ADA": "0.4"},
        _RATES,
    ),
    "hedged": Position(
        answer(("100000", "50000"), {"BTC": ("1.2", "1", "0"), "USDT": ("40000", "0", "0")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "stable": Position(
        answer(("30000", "10000"), {"USDC": ("30000", "0", "0"), "USDT": ("0", "10000", "0")}),
        {"USDC": "1"},
        _RATES,
    ),
    # The loan of docs/risk.md.
    "loan": Position(
        answer(("120000", "85000"), {"BTC": ("2", "0", "0"), "USDT": ("0", "85000", "0")}),
        {"BTC": "60000"},
        {"USDT": "14.6"},
    ),
    "no-debt": Position(
        answer(("50000", "0"), {"BTC": ("1", "0", "0")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "missing-price": Position(
        answer(
            ("120000", "50000"),
            {"BTC": ("2", "0", "0"), "ETH": ("10", "0", "0"), "USDT": ("0", "50000", "0")},
        ),
        {"BTC": "50000", "ETH": "0"},
        _RATES,
    ),
    "missing-rate": Position(
        answer(("100000", "50000"), {"BTC": ("2", "0", "0"), "USDT": ("0", "50000", "0")}),
        {"BTC": "50000"},
        {"BTC": "3.65"},
    ),
    "wrong-total": Position(
        answer(("110000", "50000"), {"BTC": ("2", "0", "0"), "USDT": ("0", "50000", "0")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "less-than-its-parts": Position(
        answer(("100", "80"), {"BTC": ("0.006", "0", "0"), "USDT": ("0", "80", "0")}),
        {"BTC": "50000"},
        _RATES,
    ),
    "crossed": Position(
        answer(("46000", "40000"), {"BTC": ("1", "0", "0"), "USDT": ("0", "40000", "0")}),
        {"BTC": "46000"},
        _RATES,
    ),
    "insolvent": Position(
        answer(("36000", "40000"), {"BTC": ("1", "0", "0"), "USDT": ("0", "40000", "0")}),
        {"BTC": "36000"},
        _RATES,
    ),
    "other-unit": Position(
        answer(("100000", "50000"), {"BTC": ("2", "0", "0"), "TWD": ("0", "50000", "0")}, "TWD"),
        {"BTC": "50000", "TWD": "0.03"},
        {"TWD": "3.65"},
    ),
    "own-thresholds": Position(
        answer(("57600", "50000"), {"BTC": ("1", "0", "0"), "USDT": ("7600", "50000", "0")}),
        {"BTC": "50000"},
        _RATES,
        Thresholds(warning=2.0, critical=1.15, liquidation=1.0),
    ),
    "hedged-nearly": Position(
        answer(
            ("59447.34", "29447.35"),
            {"BTC": ("0.36", "0.3", "0"), "USDT": ("36110.52", "10000", "0")},
        ),
        {"BTC": "64824.5"},
        _RATES,
    ),
    "contradiction": Position(
        answer(("100000", "0"), {"BTC": ("2", "0", "0"), "ETH": ("0", "5", "0")}),
        {"BTC": "50000", "ETH": "2000"},
        _RATES,
    ),
    "unlisted": Position(answer(("100000", "50000"), {}), {"BTC": "50000"}, _RATES),
    "empty": Position(answer(("0", "0"), {}), {"BTC": "50000"}, _RATES),
    "documented": Position(
        (FIXTURES / "margin_balances.json").read_bytes(),
        {"BTC": "64824.5"},
        {"BTC": "5", "USDT": "5"},
    ),
}


def drawn(seed: int) -> Position:
    """Return any position: some of five currencies held, some owed, at prices of any size."""
    draw = random.Random(seed)  # noqa: S311 - nothing is to be kept from anybody

    def amount(places: int) -> Decimal:
        return Decimal(draw.randrange(1, 10**10)).scaleb(-places)

    currencies = ["BTC", "ETH", "SOL", "USDC", "USDT"]
    prices = {name: amount(draw.randrange(4, 9)) for name in currencies}
    worth: dict[str, tuple[Decimal, Decimal]] = {
        name: (amount(4) * draw.randrange(4), amount(4) * draw.randrange(2)) for name in currencies
    }
    held = {
        name: tuple((each / prices[name]).quantize(Decimal("1e-8")) for each in sides)
        for name, sides in worth.items()
    }
    paid = {**prices, "USDT": Decimal(1)}
    totals = [
        (
            # A little wrong, as if prices had moved since.
            sum((held[name][side] * paid[name] for name in currencies), Decimal(0))
            * (1 + Decimal(seed) / 10_000)
        ).quantize(Decimal("1e-8"), ROUND_DOWN)
        for side in (0, 1)
    ]
    return Position(
        answer(
            (f"{totals[0]:f}", f"{totals[1]:f}"),
            {name: (f"{has:f}", f"{owes:f}", "0") for name, (has, owes) in held.items()},
        ),
        {name: f"{price:f}" for name, price in prices.items()},
        _RATES,
    )


DRAWN: Mapping[str, Position] = {f"drawn-{seed}": drawn(seed) for seed in range(12)}
