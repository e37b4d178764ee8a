"""The sentences about one account that `once` tells people."""

from collections.abc import Iterator
from decimal import Decimal

from exporter.exchange.snapshot import Snapshot
from exporter.once import figures
from exporter.once.look import Look
from exporter.once.verdict import doubts
from exporter.risk.assessment import Risk
from exporter.state.account import Thresholds

Said = tuple[str, str]
"""What it is about, and the sentence."""


def before_moves(look: Look, snapshot: Snapshot, risk: Risk) -> Iterator[Said]:
    """Say how it stands."""
    yield "ratio", _ratio(snapshot, risk)
    asset, debt = snapshot.total_asset_amount, snapshot.total_debt_amount
    yield "has, owes", f"{figures.money(asset)} and {figures.money(debt)} {snapshot.unit}"
    yield "thresholds", _thresholds(look.account.thresholds)


def after_moves(look: Look, snapshot: Snapshot, risk: Risk) -> Iterator[Said]:
    """Say what would become of it, what helps, and what is doubtful."""
    thresholds = look.account.thresholds
    if risk.ratio is not None:
        yield "if all move", _shocks(risk)
        yield "rescue", _rescue(snapshot, risk, thresholds)
        yield "interest", _interest(snapshot, risk, thresholds)
    for doubt in doubts(look):
        yield "doubtful", doubt
    if risk.ratio is not None and risk.missing_prices:
        names = ", ".join(risk.missing_prices)
        yield "missing", f"the price of {names}: liquidation may be nearer than it looks"


def move(name: str, change: Decimal | None, risk: Risk) -> str:
    """Say which move of a price, or of all together, brings liquidation."""
    if change == 0 or risk.liquidation_distance["liquidation"] == 0:
        return "crossed"
    if change is None:
        is_unknown = name in risk.missing_prices or (not name and risk.together_asset is None)
        return "not known" if is_unknown else "no move leads there"
    return f"{'falls' if change < 0 else 'rises'} by {figures.percent(change)}"


def _ratio(snapshot: Snapshot, risk: Risk) -> str:
    text = "none without debt" if risk.ratio is None else figures.ratio(risk.ratio)
    reported = [
        *([] if snapshot.ad_ratio is None else [f"{snapshot.ad_ratio:f}"]),
        *([] if snapshot.ad_ratio_label is None else [snapshot.ad_ratio_label]),
    ]
    return f"{text} (the exchange says {', '.join(reported)})" if reported else text


def _thresholds(thresholds: Thresholds) -> str:
    levels = thresholds.by_level()
    if not thresholds.chosen:
        text = ", ".join(f"{name} {ratio:g}" for name, ratio in levels.items())
        return f"{text} (assumed: BitoPro publishes none)"
    return ", ".join(
        f"{name} {ratio:g}" + ("" if name in thresholds.chosen else " (assumed)")
        for name, ratio in levels.items()
    )


def _shocks(risk: Risk) -> str:
    known = {shock: ratio for shock, ratio in risk.stress.items() if ratio is not None}
    if not known:
        return "not known"
    return ", ".join(
        f"{Decimal(shock) * 100:+.0f} % {figures.short_ratio(ratio)}"
        for shock, ratio in known.items()
    )


def _rescue(snapshot: Snapshot, risk: Risk, thresholds: Thresholds) -> str:
    back = f"to be back at {thresholds.warning:g}"
    repay, deposit = risk.rescue_repay["warning"], risk.rescue_deposit["warning"]
    if not deposit:
        return "none needed"
    add = f"add {figures.needed(deposit)} {snapshot.unit} {back}"
    if repay is None:
        return f"{add}; no repayment out of the assets can do it"
    return f"repay {figures.needed(repay)} {snapshot.unit} or {add}"


def _interest(snapshot: Snapshot, risk: Risk, thresholds: Thresholds) -> str:
    if risk.interest_per_day is None:
        return "not known: the price or the rate of something borrowed is missing"
    text = f"{figures.needed(risk.interest_per_day)} {snapshot.unit} a day"
    left = risk.days_to_threshold["liquidation"]
    if not left:
        return text
    return f"{text}; {figures.days(left)} days to {thresholds.liquidation:g} at these prices"
