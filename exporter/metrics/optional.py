"""Families of an account that optional requests fill: liquidations, and how the requests do."""

from collections.abc import Callable

from exporter.bitopro.liquidations import Liquidation
from exporter.metrics.families import NO_SAMPLES, Family, Kind, Samples, each, of_account, one
from exporter.state import AccountState, EndpointState, LiquidationCounts


def _of_liquidations(  # noqa: PLR0913, PLR0917 - the columns of the table
    name: str,
    unit: str,
    help_: str,
    read: Callable[[LiquidationCounts], Samples],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
) -> Family[AccountState]:
    def read_state(state: AccountState) -> Samples:
        return NO_SAMPLES if state.liquidations is None else read(state.liquidations)

    return of_account(
        name,
        unit,
        f"{help_}, as of the last answer.",
        read_state,
        labels,
        kind,
        expires_at=_liquidations_expire_at,
        stability="experimental",
    )


def _liquidations_expire_at(state: AccountState) -> float:
    return state.liquidations_expire_at_monotonic_seconds


def _of_latest(
    name: str,
    unit: str,
    help_: str,
    read: Callable[[Liquidation], Samples],
    labels: tuple[str, ...] = (),
) -> Family[AccountState]:
    def read_latest(counted: LiquidationCounts) -> Samples:
        return NO_SAMPLES if counted.latest is None else read(counted.latest)

    return _of_liquidations(name, unit, help_, read_latest, labels)


def _of_endpoint(  # noqa: PLR0913, PLR0917 - the columns of the table
    name: str,
    unit: str,
    help_: str,
    read: Callable[[EndpointState], Samples],
    labels: tuple[str, ...] = (),
    kind: Kind = "gauge",
) -> Family[AccountState]:
    def read_state(state: AccountState) -> Samples:
        return tuple(
            ((endpoint, *key), value)
            for endpoint, asked in sorted(state.endpoints.items())
            for key, value in read(asked)
        )

    return of_account(
        name,
        unit,
        help_,
        read_state,
        ("endpoint", *labels),
        kind,
        stability="experimental",
    )


def _asset(latest: Liquidation) -> Samples:
    if latest.asset_currency is None:
        return NO_SAMPLES
    return one(latest.asset_amount, latest.asset_currency)


OPTIONAL_FAMILIES: tuple[Family[AccountState], ...] = (
    _of_liquidations(
        "liquidations_total",
        "count",
        "Finished liquidations listed since the start, each counted once",
        lambda counted: one(len(counted.serials)),
        kind="counter",
    ),
    _of_liquidations(
        "liquidations_unfinished",
        "count",
        "Liquidations listed with a status other than 2 (finished)",
        lambda counted: one(len(counted.listed.unfinished)),
    ),
    _of_latest(
        "last_liquidation_timestamp_seconds",
        "Unix time in seconds",
        "Unix time at which the latest finished liquidation ended (finishTimestamp)",
        lambda latest: one(latest.finish_timestamp_seconds),
    ),
    _of_latest(
        "last_liquidation_debt_amount",
        "amount of `currency`",
        "Debt repaid by the latest finished liquidation (debtAmount)",
        lambda latest: one(latest.debt_amount, latest.debt_currency),
        ("currency",),
    ),
    _of_latest(
        "last_liquidation_asset_amount",
        "amount of `currency`",
        "Assets taken by the latest finished liquidation (assetAmount)",
        _asset,
        ("currency",),
    ),
    _of_endpoint(
        "endpoint_up",
        "0 or 1",
        "Whether the last request to the optional endpoint with the account's key returned a "
        "verified answer; absent before the first.",
        lambda asked: one(int(asked.is_up)),
    ),
    _of_endpoint(
        "endpoint_failures_total",
        "count",
        "Failed requests to the optional endpoint with the account's key, by reason.",
        lambda asked: each(asked.failures),
        ("reason",),
        "counter",
    ),
    _of_endpoint(
        "endpoint_last_success_timestamp_seconds",
        "Unix time in seconds",
        "Unix time of the last successful request to the optional endpoint with the account's "
        "key; 0 before the first.",
        lambda asked: one(asked.last_success_timestamp_seconds),
    ),
)
