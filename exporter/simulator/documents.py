"""The JSON documents of the endpoints, as the exchange documents them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from exporter.simulator.books import LIQUIDATION_RATIO, Books, Liquidation, ad_ratio, totals
from exporter.simulator.market import UNIT

# A JSON object on its way to the encoder (and, in some faults, to be changed): any value fits.
Document = dict[str, Any]

# Only SAFETY_THRESHOLD is documented. The other two labels are guesses, and so are their limits.
_WARNING_RATIO = Decimal("1.3")

# How large the exchange's pool of one currency is, in USDT, and what share of it is lent out.
_POOL_VALUE = Decimal(10_000_000)
_POOL_SHARE_LENT = Decimal("0.4")
_POOL_SHARE_PER_USER = Decimal("0.05")

# maxSystemAmount, maxUserAmount, systemBorrowedAmount and systemAvailableBorrowAmount of the
# example in the API documentation, "Get Borrow Provisioning".
_DOCUMENTED_TERMS = {
    "BTC": ("500.00000000", "100", "130.00592162", "369.99407838"),
    "ETH": ("10000.00000000", "100", "186.65450087", "9813.34549913"),
    "USDT": ("1100000.00000000", "800000", "256240.33640959", "843759.66359041"),
}


def balances_document(books: Books, prices: Mapping[str, Decimal]) -> Document:
    """Return the answer of `GET /margin/balances`."""
    assets, debts = totals(books, prices)
    ratio = ad_ratio(assets, debts)
    return {
        # How the exchange shows a ratio without debt is undocumented; "0" is one guess.
        "adRatio": f"{ratio:.2f}" if debts else "0",
        "adRatioLabel": _label(ratio) if debts else "SAFETY_THRESHOLD",
        "accountID": books.account_id,
        "accountStatus": 1,
        "marginStatus": 1,
        "balances": {
            currency: {
                "availableAmount": f"{holding.available:.8f}",
                "tradedAmount": f"{holding.traded:.8f}",
                "borrowAmount": f"{holding.borrowed:.8f}",
                "borrowInterestAmount": f"{holding.interest:.8f}",
                "borrowStatus": 1,
                "transferStatus": 1,
                "totalAmount": f"{holding.assets:.8f}",
            }
            for currency, holding in books.holdings.items()
        },
        "calculateUnit": UNIT,
        "totalAssetAmount": f"{assets:.8f}",
        "totalDebtAmount": f"{debts:.8f}",
    }


def mark_price_document(prices: Mapping[str, Decimal]) -> Document:
    """Return the answer of `GET /margin/mark-price`."""
    return {
        "tokenPrices": {
            currency: {"currency": currency, "price": f"{price:.8f}"}
            for currency, price in prices.items()
        }
    }


def borrow_document(prices: Mapping[str, Decimal], annual_percentage: Decimal) -> Document:
    """Return the answer of `GET /margin/provisioning/borrow`."""
    return {
        currency: _pool(currency, _POOL_VALUE / price, annual_percentage)
        for currency, price in prices.items()
    }


def documented_borrow_document() -> Document:
    """Return the documented example of `GET /margin/provisioning/borrow`, digit by digit."""
    return {
        currency: _terms(currency, amounts, "1") for currency, amounts in _DOCUMENTED_TERMS.items()
    }


def liquidations_document(
    liquidations: Iterable[Liquidation], started: float, speed: float
) -> Document:
    """Return the answer of `GET /margin/user-liquidations`.

    `started` is the wall clock (unix seconds) at the beginning of simulated time.
    """
    rows = [
        {
            "serial": serial,
            "debtCurrency": liquidation.debt_currency,
            "debtAmount": f"{liquidation.debt_amount:,.8f}",
            "assetCurrency": liquidation.asset_currency,
            "assetAmount": f"{liquidation.asset_amount:,.8f}",
            # Undocumented in which currency; here it is the debt's.
            "feeAmount": f"{liquidation.fee_amount:,.8f}",
            "adRatio": f"{liquidation.ratio_before:.2f}",
            "afterAdRatio": f"{liquidation.ratio_after:.2f}",
            "status": 2,
            "type": 2,
            "finishTimestamp": int(started + liquidation.second / speed),
        }
        for serial, liquidation in enumerate(liquidations, start=1)
    ]
    return {"liquidations": rows, "liquidationsAmount": len(rows)}


def _pool(currency: str, size: Decimal, annual_percentage: Decimal) -> Document:
    lent = size * _POOL_SHARE_LENT
    amounts = (size, size * _POOL_SHARE_PER_USER, lent, size - lent)
    return _terms(currency, [f"{amount:.8f}" for amount in amounts], f"{annual_percentage:f}")


def _terms(currency: str, amounts: Sequence[str], annual_percentage: str) -> Document:
    system_limit, user_limit, borrowed, available = amounts
    return {
        "currency": currency,
        "maxSystemAmount": system_limit,
        "maxUserAmount": user_limit,
        "systemBorrowedAmount": borrowed,
        "systemAvailableBorrowAmount": available,
        "borrowStatus": 1,
        "transferStatus": 1,
        "annualInterestPercentage": annual_percentage,
    }


def _label(ratio: Decimal) -> str:
    if ratio < LIQUIDATION_RATIO:
        return "LIQUIDATION_THRESHOLD"
    if ratio < _WARNING_RATIO:
        return "WARNING_THRESHOLD"
    return "SAFETY_THRESHOLD"
