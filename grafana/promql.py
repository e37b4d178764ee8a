"""Selectors and small expressions that many panels share.

What the exporter serves is selected by job and instance, and aggregated to the worse of two
exporters. What rules record is one verdict per account, whichever exporter it came from, and is
selected by account alone; without rules, panels show what is exported now.
"""

from collections.abc import Sequence

_TARGET = ('job=~"$job"', 'instance=~"$instance"')
_ACCOUNT = 'account=~"$account"'
_CURRENCY = 'currency=~"$currency"'

LEVELS = ("warning", "critical", "liquidation")


def of_target(metric: str, *matchers: str) -> str:
    """Select a metric of the process, or of the target."""
    return _selector(metric, (*_TARGET, *matchers))


def of_exporters(metric: str) -> str:
    """Return a metric that other targets have too, of targets that were exporters within a day."""
    return f"{metric} and on (job, instance) {EXPORTERS}"


def of_account(name: str, *matchers: str) -> str:
    """Select a family of the exporter that has an account; the name without its prefix."""
    return _selector(f"bitopro_margin_{name}", (*_TARGET, _ACCOUNT, *matchers))


def of_currency(name: str, *matchers: str) -> str:
    """Select a family of the exporter that has an account and a currency."""
    return of_account(name, _CURRENCY, *matchers)


def of_market(name: str, *matchers: str) -> str:
    """Select a family of the exporter that has a currency and no account."""
    return _selector(f"bitopro_margin_{name}", (*_TARGET, _CURRENCY, *matchers))


def recorded(name: str, *matchers: str) -> str:
    """Select what a rule recorded of an account; the whole name."""
    return _selector(name, (_ACCOUNT, *matchers))


def least(name: str, *matchers: str, by: Sequence[str] = ("account",)) -> str:
    """Return the least of what exporters say of an account; the family's name without prefix."""
    return f"min by ({', '.join(by)}) ({_of(name, by, *matchers)})"


def most(name: str, *matchers: str, by: Sequence[str] = ("account",)) -> str:
    """Return the most of what exporters say of an account; the family's name without prefix."""
    return f"max by ({', '.join(by)}) ({_of(name, by, *matchers)})"


def _of(name: str, by: Sequence[str], *matchers: str) -> str:
    return of_currency(name, *matchers) if "currency" in by else of_account(name, *matchers)


def alerts(*matchers: str) -> str:
    """Select our firing alerts of the accounts, and those that have no account."""
    return _selector(
        "ALERTS",
        (
            'alertname=~"BitoproMargin.+"',
            'alertstate="firing"',
            'account=~"$account|"',
            *matchers,
        ),
    )


def threshold(level: str) -> str:
    """Return a threshold as last known within a day."""
    known = of_account("ad_ratio_threshold", f'level="{level}"')
    return f"max by (account, level) (last_over_time({known}[1d]))"


def first_of(*cases: tuple[str, str]) -> str:
    """Return the first case that has any series, with the case's word as label `state`."""
    told = [f'label_replace({value}, "state", "{word}", "", "")' for value, word in cases]
    return " or on () ".join(told)


def crossed(ratio: str) -> str:
    """Count the thresholds that a ratio is below: 0 to 3."""
    return " + ".join(
        f"({ratio} < bool on (account) group_left () {threshold(level)})" for level in LEVELS
    )


def column(name: str, value: str, label: str = "column", by: Sequence[str] = ("account",)) -> str:
    """Return a value of each account a name by which a table will call its column."""
    return f'label_replace(max by ({", ".join(by)}) ({value}), "{label}", "{name}", "", "")'


def _selector(metric: str, matchers: Sequence[str]) -> str:
    return f"{metric}{{{', '.join(matchers)}}}"


EXPORTERS = f"group by (job, instance) (last_over_time({of_account('up')}[1d]))"
EXACT_RATIO = least("ad_ratio_exact")
EXPECTED = (
    f"({recorded('account:bitopro_margin_expected:any')} "
    f"or on (account) group by (account) (last_over_time({of_account('up')}[1d])))"
)

# An account is fresh while an exporter shows its totals, which it does until they are stale.
FRESH = f"group by (account) ({of_account('total_debt_amount')})"
BLIND = f"({EXPECTED} unless on (account) {FRESH})"
DEBTLESS = f"(max by (account) ({of_account('total_debt_amount')}) == 0)"

# Infinite without debt.
LAST_RATIO = (
    f"({recorded('account:bitopro_margin_ad_ratio:last_known')} "
    f"or on (account) {EXACT_RATIO} or on (account) {DEBTLESS} + Inf)"
)

# A target that is gone has no age of its own any more: what it said last is a day in memory.
AGE = (
    "(time() - max by (account) "
    f"(last_over_time({of_account('last_success_timestamp_seconds')}[1d])))"
)

# Lowest is nearest to liquidation; the last ratio known counts until a newer one is known.
DANGER = f"{LAST_RATIO} / on (account) {threshold('liquidation')}"
WORST_RATIO = f"(bottomk(1, {DANGER}) * on (account) {threshold('liquidation')})"

# What an account is told to be, by the numbers of grafana.states.
STATE = f"(4 * {BLIND}) or on (account) ({crossed(LAST_RATIO)} - ({LAST_RATIO} == bool Inf))"

# The unit of an account's totals. One, even for the minutes after it was changed.
UNIT = f"topk by (account) (1, group by (account, unit) ({of_account('total_asset_amount')}))"
