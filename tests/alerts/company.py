"""Several accounts and exporters in one world, where one is in trouble beside another."""

from collections.abc import Mapping

from tests.alerts.cases import ASSETS, DEBT, NO_PAGE, SAFE, UP, ratio
from tests.alerts.states import OF_ACCOUNT, labelled
from tests.alerts.worlds import ABSENT, STALE, History, World, account, always, during

_JOB = "bitopro-margin-drill"
KEPT = ("bitopro_margin_mark_price", "bitopro_margin_borrow_annual_interest_ratio")


def drill(changes: Mapping[str, History]) -> World:
    """Give what the shipped configuration makes of a drill's page."""
    world = account("drill", changes, instance="127.0.0.1:7", job=_JOB)
    target = f'up{{instance="127.0.0.1:7",job="{_JOB}"}}'
    # The target's own label stands on `up` and prices too; what else is of no account is dropped.
    of_account = {series: each for series, each in world.items() if 'account="drill"' in series}
    of_target = {
        series.replace("{", '{account="drill",'): each
        for series, each in world.items()
        if series == target or series.startswith(KEPT)
    }
    return {**of_account, **of_target}


_DOWN = during(600, 1440, {**NO_PAGE, "up": 0})
_BLIND = during(600, 1440, {UP: 0, ASSETS: STALE, DEBT: STALE})

# What happens lasts from minute 10 to minute 24.
COMPANY: World = {
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
}
