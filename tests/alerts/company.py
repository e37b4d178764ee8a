"""Several accounts and exporters in one scenario, where one is in trouble beside another."""

from collections.abc import Mapping

from tests.alerts.account_states import OF_ACCOUNT, labelled
from tests.alerts.cases import ASSETS, DEBT, NO_PAGE, SAFE, UP, ratio
from tests.alerts.scenarios import ABSENT, STALE, History, Series, account, always, between, during

_JOB = "bitopro-margin-drill"
INFO = "bitopro_margin_account_info*"
KEPT = ("bitopro_margin_mark_price", "bitopro_margin_borrow_annual_interest_ratio")


def drill(changes: Mapping[str, History]) -> Series:
    """Return what the shipped configuration makes of a drill's page."""
    series = account("drill", changes, instance="127.0.0.1:7", job=_JOB)
    target = f'up{{instance="127.0.0.1:7",job="{_JOB}"}}'
    # The target's own label stands on `up` and prices too; what else is of no account is dropped.
    of_account = {name: each for name, each in series.items() if 'account="drill"' in name}
    of_target = {
        name.replace("{", '{account="drill",'): each
        for name, each in series.items()
        if name == target or name.startswith(KEPT)
    }
    return {**of_account, **of_target}


def only(start: int, end: int, series: Series) -> Series:
    """Return series that are there from `start` to before `end`, in seconds."""
    return {
        name: between(0, start, ABSENT, between(end, 99_999, STALE, history))
        for name, history in series.items()
    }


def behind(label: str, series: Series) -> Series:
    """Return what Prometheus makes of a page if the target has a label account of its own."""
    return {
        name.replace('account="', f'account="{label}",exported_account="')
        if 'account="' in name
        else name.replace("{", f'{{account="{label}",'): history
        for name, history in series.items()
    }


def info_only(series: Series) -> Series:
    """Return the series that carries the account's id at the exchange."""
    return {
        name: history
        for name, history in series.items()
        if name.startswith("bitopro_margin_account_info")
    }


_DOWN = during(600, 1440, {**NO_PAGE, "up": 0})
_BLIND = during(600, 1440, {UP: 0, ASSETS: STALE, DEBT: STALE})

# What happens lasts from minute 10 to minute 24.
COMPANY: Series = {
    **account("missing", during(600, 1440, {OF_ACCOUNT: STALE}), instance="of two accounts"),
    **account("present", instance="of two accounts"),
    **account("first is down", _DOWN),
    **account("first is down", instance="second"),
    **account("both are down", _DOWN),
    **account("both are down", _DOWN, instance="third"),
    **account("worse one counts", instance="fourth"),
    **account("worse one counts", during(600, 1440, ratio(1.1)), instance="fifth"),
    **account("down and blind", _DOWN),
    **account("down and blind", _BLIND, instance="sixth"),
    **account("labels differ"),
    **account("labels differ", {SAFE: ABSENT}, instance="seventh"),
    **labelled("labels differ", always(1), "seventh"),
    **account("elsewhere", _DOWN, job="another job"),
    **drill(_DOWN),
    **only(600, 1440, behind("cloud", account("hidden and well", instance="cloud"))),
    **only(
        600,
        1440,
        behind(
            "cloud",
            account("hidden and blind", {UP: 0, ASSETS: ABSENT, DEBT: ABSENT}, instance="cloud"),
        ),
    ),
    **account("twin-1"),
    **account("twin-2", during(600, 1440, {INFO: STALE})),
    **only(600, 1440, info_only(account("twin-2", account_id="twin-1"))),
    **account("scraped twice"),
    **account("scraped twice", job="another job"),
    **account("without an id", account_id=""),
    **account("without an id either", account_id=""),
}
