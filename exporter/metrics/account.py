"""The metric families of an account: one row each, with how to read it from a state.

A row that reads the snapshot disappears with it.
"""

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter

from exporter.bitopro.balances import Columns, Snapshot
from exporter.bitopro.consistency import UNDOCUMENTED_KINDS, contradictions
from exporter.metrics.families import NO_SAMPLES, Family, Samples, each, of_account, one
from exporter.metrics.optional import OPTIONAL_FAMILIES
from exporter.metrics.risk import RISK_FAMILIES
from exporter.state import AccountState


def _of_snapshot(
    name: str,
    unit: str,
    help_: str,
    read: Callable[[AccountState, Snapshot], Samples],
    labels: tuple[str, ...] = (),
) -> Family[AccountState]:
    def read_state(state: AccountState) -> Samples:
        return NO_SAMPLES if state.snapshot is None else read(state, state.snapshot)

    return of_account(
        name,
        unit,
        f"{help_}, as of the last poll.",
        read_state,
        labels,
        expires_at=_snapshot_expires_at,
    )


def _of_balance(
    name: str,
    unit: str,
    help_: str,
    column: Callable[[Columns], tuple[Decimal, ...] | tuple[int, ...]],
) -> Family[AccountState]:
    def read_snapshot(_: AccountState, snapshot: Snapshot) -> Samples:
        balances = snapshot.balances
        return tuple(zip(zip(balances.currencies), column(balances.columns), strict=True))

    return _of_snapshot(name, unit, help_, read_snapshot, ("currency",))


def _snapshot_expires_at(state: AccountState) -> float:
    return state.expires_at_monotonic_seconds


def _thresholds(state: AccountState) -> Samples:
    return each(state.account.thresholds.by_level())


def _assumed_thresholds(state: AccountState) -> Samples:
    thresholds = state.account.thresholds
    return each({level: int(level not in thresholds.chosen) for level in thresholds.by_level()})


def _undocumented_counts(state: AccountState) -> Samples:
    kinds = [item.kind for item in state.undocumented]
    return each({kind: kinds.count(kind) for kind in UNDOCUMENTED_KINDS})


def _account_info(state: AccountState, snapshot: Snapshot) -> Samples:
    account_id = snapshot.account_id if state.account.shows_id else ""
    return one(1, account_id, snapshot.unit)


def _label(_: AccountState, snapshot: Snapshot) -> Samples:
    label = snapshot.ad_ratio_label
    return NO_SAMPLES if label is None else one(1, label)


def _label_safe(state: AccountState, snapshot: Snapshot) -> Samples:
    label = snapshot.ad_ratio_label
    return NO_SAMPLES if label is None else one(int(label in state.account.safe_labels))


def _last_change(state: AccountState) -> float | None:
    return state.received.changed_timestamp_seconds if state.received else None


FAMILIES: tuple[Family[AccountState], ...] = (
    of_account(
        "up",
        "0 or 1",
        "Whether the last poll returned a complete, verified answer; 0 before the first poll.",
        lambda state: one(int(state.is_up)),
    ),
    of_account(
        "last_success_timestamp_seconds",
        "Unix time in seconds",
        "Unix time of the last successful poll; 0 before the first.",
        lambda state: one(state.last_success_timestamp_seconds),
    ),
    of_account(
        "poll_interval_seconds",
        "seconds",
        "Configured time between polls.",
        lambda state: one(state.interval_seconds or state.account.poll_interval_seconds),
    ),
    of_account(
        "stale_after_seconds",
        "seconds",
        "Configured age at which the account's values disappear.",
        lambda state: one(state.account.stale_after_seconds),
    ),
    of_account(
        "polls_total",
        "count",
        "Finished polls, successful or not.",
        lambda state: one(state.polls),
        kind="counter",
    ),
    of_account(
        "poll_failures_total",
        "count",
        "Failed polls, by reason.",
        lambda state: each(state.failures),
        ("reason",),
        "counter",
    ),
    of_account(
        "poll_duration_seconds",
        "seconds",
        "Duration of the last poll.",
        lambda state: one(state.poll_duration_seconds),
    ),
    of_account(
        "clock_skew_seconds",
        "seconds",
        "Local time minus the Date header of the last answer, which has whole seconds; "
        "absent without one.",
        lambda state: one(state.clock_skew_seconds),
    ),
    of_account(
        "undocumented_values_total",
        "count",
        "Distinct fields, labels and statuses seen since the start that the API documentation does "
        "not name, and currencies skipped because their name is not a plain code.",
        _undocumented_counts,
        ("kind",),
        "counter",
    ),
    of_account(
        "ad_ratio_threshold",
        "ratio",
        "Configured AD ratio (assets / debts) below which the level is reached.",
        _thresholds,
        ("level",),
    ),
    of_account(
        "ad_ratio_threshold_assumed",
        "0 or 1",
        "Whether the threshold is an assumed default: BitoPro publishes none, and none is set.",
        _assumed_thresholds,
        ("level",),
    ),
    _of_snapshot(
        "last_change_timestamp_seconds",
        "Unix time in seconds",
        "Unix time at which the answer last differed from the one before",
        lambda state, _: one(_last_change(state)),
    ),
    _of_snapshot(
        "ad_ratio",
        "ratio",
        "AD ratio (assets / debts) as reported (adRatio), truncated to two decimals by the "
        "exchange; absent without debt",
        lambda _, snapshot: one(snapshot.ad_ratio),
    ),
    _of_snapshot(
        "ad_ratio_label",
        "1",
        "The exchange's own safety level (adRatioLabel): 1 for the current one",
        _label,
        ("label",),
    ),
    _of_snapshot(
        "ad_ratio_label_safe",
        "0 or 1",
        "Whether that level (adRatioLabel) is one of safe_labels",
        _label_safe,
    ),
    _of_snapshot(
        "inconsistent",
        "0 or 1",
        "Whether the answer contradicts itself: reported ratio and totals (ad_ratio), total debt "
        "and what is borrowed (debt), total and available plus traded (total_amount)",
        lambda _, snapshot: each(contradictions(snapshot)),
        ("check",),
    ),
    _of_snapshot(
        "account_info",
        "1",
        "Account ID at the exchange (accountID) and unit of its totals (calculateUnit)",
        _account_info,
        ("account_id", "unit"),
    ),
    _of_snapshot(
        "account_status",
        "code",
        "Account status, 1 being the only documented one (accountStatus)",
        lambda _, snapshot: one(snapshot.account_status),
    ),
    _of_snapshot(
        "margin_status",
        "code",
        "Margin-trading status, 1 being the only documented one (marginStatus)",
        lambda _, snapshot: one(snapshot.margin_status),
    ),
    _of_snapshot(
        "total_asset_amount",
        "amount of `unit`",
        "Total assets (totalAssetAmount)",
        lambda _, snapshot: one(snapshot.total_asset_amount, snapshot.unit),
        ("unit",),
    ),
    _of_snapshot(
        "total_debt_amount",
        "amount of `unit`",
        "Total debt, principal and interest (totalDebtAmount)",
        lambda _, snapshot: one(snapshot.total_debt_amount, snapshot.unit),
        ("unit",),
    ),
    _of_balance(
        "available_amount",
        "amount of `currency`",
        "Amount available for trading (availableAmount)",
        attrgetter("available_amount"),
    ),
    _of_balance(
        "traded_amount",
        "amount of `currency`",
        "Amount in open orders (tradedAmount)",
        attrgetter("traded_amount"),
    ),
    _of_balance(
        "borrow_amount",
        "amount of `currency`",
        "Borrowed principal (borrowAmount)",
        attrgetter("borrow_amount"),
    ),
    _of_balance(
        "borrow_interest_amount",
        "amount of `currency`",
        "Interest accrued on the borrowed principal (borrowInterestAmount)",
        attrgetter("borrow_interest_amount"),
    ),
    _of_balance(
        "total_amount",
        "amount of `currency`",
        "Available plus traded amount (totalAmount)",
        attrgetter("total_amount"),
    ),
    _of_balance(
        "borrow_status",
        "code",
        "Borrowing of the currency: 0 off, 1 on, 2 under maintenance (borrowStatus)",
        attrgetter("borrow_status"),
    ),
    _of_balance(
        "transfer_status",
        "code",
        "Transfers of the currency: 0 off, 1 on, 2 under maintenance (transferStatus)",
        attrgetter("transfer_status"),
    ),
    *RISK_FAMILIES,
    *OPTIONAL_FAMILIES,
)
