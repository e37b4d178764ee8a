"""Families of what follows from a snapshot: liquidation prices, distances, stress, rescue.

They disappear with the oldest of what they were computed from: the snapshot, and where they depend
on them, prices or terms of borrowing. docs/risk.md has the formulas.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from exporter.bitopro.balances import Snapshot
from exporter.metrics.families import NO_SAMPLES, Family, Sample, Samples, each, of_account, one
from exporter.risk import Risk
from exporter.state import AccountState

_SECONDS_A_DAY = 86_400

_ReadRisk = Callable[[Snapshot, Risk], Samples]


def _of_risk(  # noqa: PLR0913, PLR0917 - the columns of the table
    name: str,
    unit: str,
    help_: str,
    expires_at: Callable[[AccountState], float],
    read: _ReadRisk,
    labels: tuple[str, ...] = (),
) -> Family[AccountState]:
    def read_state(state: AccountState) -> Samples:
        if state.snapshot is None or state.assessment is None:
            return NO_SAMPLES
        return read(state.snapshot, state.assessment.risk)

    return of_account(
        name,
        unit,
        f"{help_}, as of the last poll.",
        read_state,
        labels,
        expires_at=expires_at,
        stability="experimental",
    )


def _with_snapshot(state: AccountState) -> float:
    return state.expires_at_monotonic_seconds


def _with_prices(state: AccountState) -> float:
    if state.assessment is None:
        return _with_snapshot(state)
    return min(_with_snapshot(state), state.assessment.prices_expire_at_monotonic_seconds)


def _with_terms(state: AccountState) -> float:
    if state.assessment is None:
        return _with_snapshot(state)
    return min(_with_prices(state), state.assessment.terms_expire_at_monotonic_seconds)


def _known(numbers: Mapping[str, Decimal | None]) -> Samples:
    return each({label: value for label, value in numbers.items() if value is not None})


def _values(of_currency: Mapping[str, Decimal | None], unit: str) -> Samples:
    """Return a sample for each currency of which there is any, and whose value is known."""
    return tuple(((currency, unit), value) for currency, value in of_currency.items() if value)


def _asset_values(snapshot: Snapshot, risk: Risk) -> Samples:
    return _values({name: each.asset for name, each in risk.currencies.items()}, snapshot.unit)


def _debt_values(snapshot: Snapshot, risk: Risk) -> Samples:
    return _values({name: each.debt for name, each in risk.currencies.items()}, snapshot.unit)


def _liquidation_moves(_: Snapshot, risk: Risk) -> Samples:
    return tuple(
        ((currency, level), move)
        for currency, each in risk.currencies.items()
        for level, move in each.liquidation_move.items()
        if move is not None
    )


def _liquidation_prices(snapshot: Snapshot, risk: Risk) -> Samples:
    return tuple(
        ((currency, level, snapshot.unit), price)
        for currency, each in risk.currencies.items()
        for level, price in each.liquidation_price.items()
        if price is not None
    )


def _rescue_amounts(snapshot: Snapshot, risk: Risk) -> Samples:
    samples: list[Sample] = []
    for way, amounts in (("repay", risk.rescue_repay), ("deposit", risk.rescue_deposit)):
        samples += [
            ((level, snapshot.unit, way), amount)
            for level, amount in amounts.items()
            if amount is not None
        ]
    return tuple(samples)


def _times_to_thresholds(_: Snapshot, risk: Risk) -> Samples:
    return each(
        {
            level: days * _SECONDS_A_DAY
            for level, days in risk.days_to_threshold.items()
            if days is not None
        }
    )


def _missing_prices(_: Snapshot, risk: Risk) -> Samples:
    """Return 0 or 1 for each currency that is held or owed."""
    return each(
        {
            currency: int(currency in risk.missing_prices)
            for currency, worth in risk.currencies.items()
            if worth.asset is None or worth.asset or worth.debt is None or worth.debt
        }
    )


RISK_FAMILIES: tuple[Family[AccountState], ...] = (
    of_account(
        "distance_threshold_ratio",
        "ratio, 0.1 is 10 %",
        "Configured distance to liquidation below which the level is reached.",
        lambda state: each(state.account.thresholds.distance_by_level()),
        ("level",),
        stability="experimental",
    ),
    of_account(
        "stable_currency",
        "1",
        "1 for each currency that is configured not to move with the others.",
        lambda state: each(dict.fromkeys(sorted(state.account.stable_currencies), 1)),
        ("currency",),
        stability="experimental",
    ),
    _of_risk(
        "ad_ratio_exact",
        "ratio",
        "AD ratio with all its digits: total assets / total debt; absent without debt",
        _with_snapshot,
        lambda _, risk: one(risk.ratio),
    ),
    _of_risk(
        "asset_value",
        "amount of `unit`",
        "What is held of a currency, at its mark price",
        _with_prices,
        _asset_values,
        ("currency", "unit"),
    ),
    _of_risk(
        "debt_value",
        "amount of `unit`",
        "What is owed of a currency, principal and interest, at its mark price",
        _with_prices,
        _debt_values,
        ("currency", "unit"),
    ),
    _of_risk(
        "liquidation_move_ratio",
        "ratio, -0.1 is a fall by 10 %",
        "Move of this currency's price alone that brings the AD ratio to the level's threshold; 0 "
        "below it, absent where no price does",
        _with_prices,
        _liquidation_moves,
        ("currency", "level"),
    ),
    _of_risk(
        "liquidation_move_together_ratio",
        "ratio, -0.1 is a fall by 10 %",
        "Move of all prices but those of the unit and stable currencies together that brings the "
        "AD ratio to the level's threshold",
        _with_prices,
        lambda _, risk: _known(risk.liquidation_move),
        ("level",),
    ),
    _of_risk(
        "liquidation_price",
        "price in `unit`",
        "Price of this currency at which the AD ratio is at the level's threshold",
        _with_prices,
        _liquidation_prices,
        ("currency", "level", "unit"),
    ),
    _of_risk(
        "liquidation_distance_ratio",
        "ratio, 0.1 is 10 %",
        "Smallest of the moves that bring the AD ratio to the level's threshold, without its sign; "
        "absent if a price is missing or no move does",
        _with_prices,
        lambda _, risk: _known(risk.liquidation_distance),
        ("level",),
    ),
    _of_risk(
        "stress_ad_ratio",
        "ratio",
        "AD ratio after all prices but those of the unit and stable currencies have moved by the "
        "shock, -0.1 being a fall by 10 %",
        _with_prices,
        lambda _, risk: _known(risk.stress),
        ("shock",),
    ),
    _of_risk(
        "rescue_amount",
        "amount of `unit`",
        "What to repay out of the assets, or to deposit, to be back at the level's threshold; 0 "
        "above it, absent where no repayment does",
        _with_snapshot,
        _rescue_amounts,
        ("level", "unit", "way"),
    ),
    _of_risk(
        "interest_per_day_amount",
        "amount of `unit`",
        "Interest of a day on what is borrowed; absent if a price or a rate is missing",
        _with_terms,
        lambda snapshot, risk: one(risk.interest_per_day, snapshot.unit),
        ("unit",),
    ),
    _of_risk(
        "time_to_threshold_seconds",
        "seconds",
        "Time until interest alone brings the AD ratio to the level's threshold, at present prices",
        _with_terms,
        _times_to_thresholds,
        ("level",),
    ),
    _of_risk(
        "totals_difference_ratio",
        "ratio, 0.01 is 1 %",
        "Difference between reported totals and balances at mark prices, the larger of assets and "
        "debt, as a share of the reported one; absent if a price is missing",
        _with_prices,
        lambda _, risk: one(risk.integrity),
    ),
    _of_risk(
        "price_missing",
        "0 or 1",
        "Whether the price of a currency that is held or owed is missing, so that what depends on "
        "it is absent",
        _with_snapshot,
        _missing_prices,
        ("currency",),
    ),
)
