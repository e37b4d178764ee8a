"""Any snapshot that can be, for property tests."""

from decimal import Decimal

from hypothesis import strategies as st

from exporter.bitopro.balances import Balance, Balances, Snapshot

amounts = st.decimals(
    min_value=0, max_value=10**15, places=8, allow_nan=False, allow_infinity=False
)
statuses = st.integers(-(2**31) + 1, 2**31 - 1)
currencies = st.from_regex(r"[A-Z0-9][A-Z0-9_.-]{0,8}", fullmatch=True).filter(str.isascii)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a snapshot, with debt or without."""
    total_debt_amount = draw(st.one_of(st.just(Decimal(0)), amounts))
    return Snapshot(
        ad_ratio=draw(amounts) if total_debt_amount else None,
        ad_ratio_label=draw(st.sampled_from(["SAFETY_THRESHOLD", "Margin Call", None])),
        account_id=draw(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).filter(str.isascii)),
        account_status=draw(statuses),
        margin_status=draw(statuses),
        unit=draw(currencies),
        total_asset_amount=draw(amounts),
        total_debt_amount=total_debt_amount,
        balances=Balances.of(draw(st.dictionaries(currencies, BALANCES, max_size=4))),
        unknown_fields=frozenset(),
    )


BALANCES = st.builds(
    Balance,
    available_amount=amounts,
    traded_amount=amounts,
    borrow_amount=amounts,
    borrow_interest_amount=amounts,
    borrow_status=statuses,
    transfer_status=statuses,
    total_amount=amounts,
)
