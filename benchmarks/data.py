"""Accounts and answers of any number, the same in every run."""

import json
from collections.abc import Iterable
from decimal import Decimal
from random import Random

from exporter.bitopro.balances import parse_snapshot
from exporter.bitopro.market import BorrowTerm, BorrowTerms, MarkPrices
from exporter.state import Account, AccountState, MarketState, PollTimes

CURRENCIES = (
    *("ADA", "APE", "AVAX", "BCH", "BNB", "BTC", "DOGE", "DOT", "ETH", "LINK"),
    *("LTC", "MATIC", "SHIB", "SOL", "TRX", "TWD", "UNI", "USDC", "USDT", "XRP"),
)
# So long that nothing expires while it is measured.
_STALE_AFTER_SECONDS = 3600.0
_INTERVAL_SECONDS = 15.0
_TERM = BorrowTerm(Decimal(1), Decimal(1), Decimal(0), Decimal(1), 1, 1, Decimal("0.05"))


def market(now: float) -> MarketState:
    """Return prices and rates of all currencies, as they are known at `now` (monotonic)."""
    prices = MarkPrices(
        {name: Decimal(number + 1) / 7 for number, name in enumerate(CURRENCIES)}, frozenset()
    )
    terms = BorrowTerms(dict.fromkeys(CURRENCIES, _TERM), frozenset())
    return MarketState(_STALE_AFTER_SECONDS).after(prices, now).after(terms, now)


def account(number: int) -> Account:
    """Return the account of that number."""
    return Account(f"account-{number:04}", "https://x", _INTERVAL_SECONDS, _STALE_AFTER_SECONDS)


def answer(number: int, round_: int) -> bytes:
    """Return what the exchange answers for an account: each round, every amount is another."""
    random = Random(f"{number} {round_}")  # noqa: S311 - the same in every run

    def balance() -> dict[str, object]:
        available = random.randrange(10 ** random.randrange(6, 15))
        traded = random.randrange(10 ** random.randrange(6, 13))
        borrowed = random.randrange(10 ** random.randrange(6, 14))
        return {
            "availableAmount": _decimal(available),
            "tradedAmount": _decimal(traded),
            "borrowAmount": _decimal(borrowed),
            "borrowInterestAmount": _decimal(borrowed // 1000),
            "borrowStatus": 1,
            "transferStatus": 1,
            "totalAmount": _decimal(available + traded),
        }

    asset, debt = random.randrange(10**13, 10**14), random.randrange(10**12, 10**13)
    document = {
        "adRatio": f"{asset * 100 // debt / 100:.2f}",
        "adRatioLabel": "SAFETY_THRESHOLD",
        "accountID": str(5_411_000_000 + number),
        "accountStatus": 1,
        "marginStatus": 1,
        "balances": {currency: balance() for currency in CURRENCIES},
        "calculateUnit": "USDT",
        "totalAssetAmount": _decimal(asset),
        "totalDebtAmount": _decimal(debt),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def polled(before: AccountState, number: int, round_: int, now: float) -> AccountState:
    """Return the state after the poll of that round, with its risk; `now` is monotonic."""
    times = PollTimes(now, 1.7e9 + _INTERVAL_SECONDS * round_ + number / 100, 0.1 + number / 1e5)
    state = before.after_success(parse_snapshot(answer(number, round_)), times, 0.25)
    return state.assessed(market(now), now)


def states(count: int, now: float) -> list[AccountState]:
    """Return so many accounts, each after its first poll."""
    return [polled(AccountState(account(number)), number, 0, now) for number in range(count)]


def changed(before: Iterable[AccountState], round_: int, now: float) -> list[AccountState]:
    """Return the accounts after another poll each, which changed every amount."""
    return [polled(state, number, round_, now) for number, state in enumerate(before)]


def _decimal(hundred_millionths: int) -> str:
    """Write with 8 decimals, as the exchange does."""
    whole, part = divmod(hundred_millionths, 10**8)
    return f"{whole}.{part:08}"
