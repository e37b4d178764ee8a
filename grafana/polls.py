"""How polls of the exchange go."""

from grafana.does_it_work import REQUESTS_PER_MINUTE, requests_per_minute
from grafana.kinds import COLOURED, lines, table
from grafana.panels import (
    DASHED,
    FieldOptions,
    Panel,
    Target,
    fixed,
    override,
    override_of_query,
    steps,
)
from grafana.promql import AGE, column, of_account
from grafana.states import value_mappings
from grafana.values import Json

_LIMIT: Json = {
    "color": fixed("red"),
    "lineWidth": 1,
    "lineStyle": DASHED,
}
_NO_EXPORTER = "No exporter is being scraped."


def _polls() -> Panel:
    return lines(
        "Polls per minute",
        "Polls that ended, well or not, for each account.",
        12,
        [
            Target(
                f"60 * sum by (account) (rate({of_account('polls_total')}[$__rate_interval]))",
                "{{account}}",
            )
        ],
        FieldOptions(unit="none", decimals=1, minimum=0, empty=_NO_EXPORTER),
    )


def _failures() -> Panel:
    failures = f"rate({of_account('poll_failures_total')}[$__rate_interval])"
    return lines(
        "Failed polls per minute, by reason",
        "The runbook and the README tell what each reason asks for. Reasons without a failure in "
        "sight are not drawn; the line at zero is all of them together.",
        12,
        [
            Target(f"60 * sum by (account, reason) ({failures}) > 0", "{{account}} {{reason}}"),
            Target(f"60 * sum({failures})", "all"),
        ],
        FieldOptions(
            unit="none",
            decimals=1,
            minimum=0,
            empty=_NO_EXPORTER,
            overrides=[override_of_query("B", color=fixed("text"))],
        ),
        custom={"axisSoftMax": 1},
    )


def _staleness() -> Panel:
    limit = f"max(last_over_time({of_account('stale_after_seconds')}[1d]))"
    return lines(
        "Age of the data",
        "How long ago the exchange last gave a good answer for each account. Above the dashed line "
        "its values are no longer shown. Before the first answer there is no age.",
        12,
        [Target(f"{AGE} < 1e8", "{{account}}"), Target(limit, "stale after")],
        FieldOptions(
            unit="s",
            minimum=0,
            empty="No exporter has shown an account for a day.",
            overrides=[override_of_query("B", **_LIMIT)],
        ),
    )


def _duration() -> Panel:
    return lines(
        "Duration of a poll",
        "Time that the last poll took, all requests of it; 10 s are the most it may take.",
        12,
        [Target(of_account("poll_duration_seconds"), "{{account}} {{instance}}")],
        FieldOptions(unit="s", minimum=0, empty=_NO_EXPORTER),
    )


def _skew() -> Panel:
    return lines(
        "Clock skew",
        "The exporter's time minus the exchange's, which tells whole seconds, so that a saw of one "
        "second is normal. The alert begins at 5 s either way.",
        12,
        [Target(of_account("clock_skew_seconds"), "{{account}} {{instance}}")],
        FieldOptions(
            unit="s",
            thresholds=steps("red", (-5, "transparent"), (5, "red")),
            empty="The exchange's answers have no time, or no poll succeeded.",
        ),
        custom={"thresholdsStyle": {"mode": "dashed"}, "axisSoftMin": -6, "axisSoftMax": 6},
    )


def _budget() -> Panel:
    return lines(
        "Requests per minute",
        f"One exporter allows itself {REQUESTS_PER_MINUTE} a minute for all accounts; the exchange "
        "grants an address 600. Polls are counted, and optional endpoints are not: at most one in "
        "a poll interval, and two a minute per account.",
        12,
        [
            Target(requests_per_minute(), "{{instance}}"),
            Target(f"vector({REQUESTS_PER_MINUTE})", "budget"),
        ],
        FieldOptions(
            unit="none",
            decimals=0,
            minimum=0,
            empty=_NO_EXPORTER,
            overrides=[override_of_query("B", **_LIMIT)],
        ),
    )


def _endpoints() -> Panel:
    by = ("account", "endpoint")
    success = of_account("endpoint_last_success_timestamp_seconds")
    columns = {
        "Up": of_account("endpoint_up"),
        "Age": f"time() - {success}",
    }
    return table(
        "Optional endpoints",
        "Prices, loan terms and liquidations come from endpoints that a key need not have. Without "
        "them balances, ratio and their alerts go on; distances and rescue amounts do not. Mark "
        "prices and loan terms are asked by one account for all.",
        12,
        columns={
            "account": "Account",
            "endpoint": "Endpoint",
            "Up": "Last request",
            "Age": "Last success",
        },
        targets=[Target(column(name, value, by=by)) for name, value in columns.items()],
        look=FieldOptions(
            unit="none",
            empty="none asked yet",
            overrides=[
                override(
                    "Last request",
                    mappings=value_mappings({1: "answered", 0: "not available"}),
                    thresholds=steps("red", (1, "green")),
                    cellOptions=COLOURED,
                ),
                override("Last success", unit="s", decimals=0),
            ],
        ),
        sorted_by="Up",
    )


def _endpoint_failures() -> Panel:
    failures = of_account("endpoint_failures_total")
    by = "account, endpoint, reason"
    return lines(
        "Failures of optional endpoints",
        "Requests to optional endpoints that failed, per minute. The line at zero is all together.",
        12,
        [
            Target(
                f"60 * sum by ({by}) (rate({failures}[$__rate_interval])) > 0",
                "{{account}} {{endpoint}} {{reason}}",
            ),
            Target(f"60 * sum(rate({failures}[$__rate_interval]))", "all"),
        ],
        FieldOptions(
            unit="none",
            decimals=1,
            minimum=0,
            empty="No optional endpoint has been asked.",
            overrides=[override_of_query("B", color=fixed("text"))],
        ),
        custom={"axisSoftMax": 1},
    )


POLLS = _polls()
FAILURES = _failures()
STALENESS = _staleness()
DURATION = _duration()
SKEW = _skew()
BUDGET = _budget()
ENDPOINTS = _endpoints()
ENDPOINT_FAILURES = _endpoint_failures()
