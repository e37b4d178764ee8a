"""The opening books of the simulated accounts."""

from decimal import ROUND_DOWN, Decimal

from exporter.simulator.books import AMOUNT_STEP, Books, Holding
from exporter.simulator.market import UNIT, opening_price
from exporter.simulator.scenarios import Scenario

FIRST_ACCOUNT_ID = 5_411_716_254

_DOCUMENTED_HOLDINGS = (
    (
        "BTC",
        Holding(
            available=Decimal("9.99990000"),
            borrowed=Decimal("2.00008624"),
            interest=Decimal("0.00236786"),
        ),
    ),
    ("ETH", Holding()),
    (
        "USDT",
        Holding(available=Decimal("100041.50010000"), borrowed=Decimal("15.00078403")),
    ),
)

# What an account of a scenario with debts owes in all, in USDT, before accounts are told apart.
_DEBT_VALUE = Decimal(40_000)
_UNINDEBTED_RATIO = Decimal(2)

# Shares of the assets. Most is BTC, so that the price of BTC decides about the ratio and one
# forced sale of BTC is enough to restore it.
_BTC_SHARE = Decimal("0.70")
_UNIT_SHARE = Decimal("0.05")

# Shares of the debts, where there is a third currency to owe.
_UNIT_DEBT_SHARE = Decimal("0.96")


def opening_books(
    scenario: Scenario, number: int, codes: tuple[str, ...], first_id: int = FIRST_ACCOUNT_ID
) -> Books:
    """Give the books of account `number` (0 is the default key's) at simulated second 0."""
    account_id = str(first_id + number)
    if scenario.course == "documented":
        return Books(account_id, dict(_DOCUMENTED_HOLDINGS))
    # The default key and demo-key-1 each are "the first account" of those who use them.
    place = max(number - 1, 0)
    # Amounts differ from account to account, so that a mix-up of accounts cannot go unseen.
    debt = _DEBT_VALUE + 13 * number
    assets = debt * _opening_ratio(scenario, place)
    return Books(
        account_id,
        {
            code: _holding(
                code,
                assets * _asset_share(code, len(codes)),
                debt * _debt_share(code, len(codes)) if scenario.ratios else Decimal(0),
            )
            for code in sorted(codes)
        },
    )


def _opening_ratio(scenario: Scenario, place: int) -> Decimal:
    if not scenario.ratios:
        return _UNINDEBTED_RATIO
    if place < len(scenario.ratios):
        return scenario.ratios[place]
    later = scenario.ratios[1:] or scenario.ratios
    return later[(place - 1) % len(later)]


def _asset_share(code: str, count: int) -> Decimal:
    """Split what BTC and USDT leave over evenly; BTC takes it where there is no other currency."""
    rest = 1 - _BTC_SHARE - _UNIT_SHARE
    if code == UNIT:
        return _UNIT_SHARE
    if code == "BTC":
        return _BTC_SHARE if count > 2 else _BTC_SHARE + rest  # noqa: PLR2004  # BTC and USDT
    return rest / (count - 2)


def _debt_share(code: str, count: int) -> Decimal:
    if code == UNIT:
        return _UNIT_DEBT_SHARE if count > 2 else Decimal(1)  # noqa: PLR2004  # BTC and USDT
    return 1 - _UNIT_DEBT_SHARE if code == "ETH" else Decimal(0)


def _holding(code: str, asset_value: Decimal, debt_value: Decimal) -> Holding:
    price = opening_price(code)
    owned = (asset_value / price).quantize(AMOUNT_STEP, ROUND_DOWN)
    in_orders = (owned / 10).quantize(AMOUNT_STEP, ROUND_DOWN) if code == "BTC" else Decimal(0)
    return Holding(
        available=owned - in_orders,
        traded=in_orders,
        borrowed=(debt_value / price).quantize(AMOUNT_STEP, ROUND_DOWN),
    )
