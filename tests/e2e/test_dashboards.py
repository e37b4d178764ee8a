"""Every expression of the dashboards, in a real Prometheus that scrapes the demonstration."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from anyio.from_thread import start_blocking_portal

from tests import prometheus as server
from tests.alerts.deployment import RULE_FILES
from tests.grafana.shipped import ANNOTATIONS, QUERIES, VARIABLES, Document, Query, filled
from tests.process.running import EXPORTER, FREE_PORT, Running

# Shipped are 5 s between scrapes and between evaluations.
_INTERVALS = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}

# The demonstration is calm: three accounts with debt, at ratios of 1.8, 2.5 and 5.
_CALM = "no account is below a threshold"
_FRESH = "no account is stale"
_OWING = "every account owes something"
_HONEST = "every price is there, and the answers do not contradict themselves"
_NO_FAILURE = "no request fails"
EMPTY = {
    "margin-account: Ratio and its thresholds: B": _CALM,
    "margin-account: Ratio and its thresholds: C": _CALM,
    "margin-account: Ratio and its thresholds: D": _CALM,
    "margin-account: Ratio and its thresholds: E": _FRESH,
    "margin-account: Distance to liquidation: B": _OWING,
    "margin-account: Assets by currency: B": "every account holds something",
    "margin-account: Debt by currency: B": _OWING,
    "margin-account: Interest accrued, not yet paid: B": _OWING,
    "margin-account: Do reported totals agree with balances and prices?: B": _HONEST,
    "margin-account: Do reported totals agree with balances and prices?: C": _HONEST,
    "margin-account: Liquidations: C": "nothing has been liquidated",
    "exporter-health: Failed polls per minute, by reason: A": _NO_FAILURE,
    "exporter-health: Failures of optional endpoints: A": _NO_FAILURE,
    "margin-account: annotation: Critical alerts": _CALM,
    "margin-account: annotation: Warnings": _CALM,
    "exporter-health: annotation: Critical alerts": _CALM,
    "exporter-health: annotation: Warnings": _CALM,
}
# Of one account alone.
EMPTY_OF_ONE = {
    "margin-account: Liquidated, if one price alone ...: H": "one price alone can liquidate demo-1"
}

FILLED = [query for query in [*QUERIES, *ANNOTATIONS] if str(query) not in EMPTY]
# What is known last: rates of polls and of interest.
_READY = (
    "count(bitopro_margin_time_to_threshold_seconds) == 9 "
    "and on () count(rate(bitopro_margin_polls_total[15s]) > 0) == 3 "
    "and on () count(bitopro_margin_totals_difference_ratio) == 3"
)
_WATCHDOG = 'ALERTS{alertname="BitoproMarginWatchdog", alertstate="firing"}'


class Asked:
    """A running Prometheus that can be asked from a test that is not asynchronous."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[Document]:
        """Return the instant vector of an expression."""
        answer = httpx.get(
            f"{self.url}/api/v1/query", params={"query": expression}, trust_env=False
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        vector: list[Document] = answer.json()["data"]["result"]
        return vector


@contextmanager
def _watching(prometheus: str, folder: Path, rules: Sequence[Path], ready: str) -> Iterator[Asked]:
    """Let a Prometheus with these rules see the demonstration until it gives all of `ready`."""
    config = folder / "prometheus.yml"
    with (
        Running([*EXPORTER, "demo", "--scenario=calm", FREE_PORT], {}) as demo,
        start_blocking_portal() as portal,
    ):
        job = {
            "job_name": "bitopro-margin",
            "static_configs": [{"targets": [demo.printed(r"metrics +http://(\S+)/metrics")[1]]}],
        }
        document = {
            "global": _INTERVALS,
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [job],
        }
        config.write_text(yaml.safe_dump(document))
        with portal.wrap_async_context_manager(server.running(prometheus, config)) as running:
            portal.call(running.until, ready)
            yield Asked(running.url)


@pytest.fixture(scope="module")
def servers(prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A Prometheus with the shipped rules that has seen the demonstration for some seconds."""
    folder = tmp_path_factory.mktemp("dashboards")
    with _watching(prometheus, folder, RULE_FILES, f"{_READY} and on () {_WATCHDOG}") as asked:
        yield asked


def test_panels_show_everything_but_alerts_without_any_rule(
    prometheus: str, tmp_path: Path
) -> None:
    with _watching(prometheus, tmp_path, [], _READY) as asked:
        empty = {
            str(query): query.expression for query in FILLED if not asked.query(query.with_values())
        }

    assert [name for name, expression in empty.items() if "ALERTS{" not in expression] == []


@pytest.mark.parametrize("query", FILLED, ids=str)
def test_expression_gives_something_for_all_accounts(servers: Asked, query: Query) -> None:
    assert servers.query(query.with_values())


@pytest.mark.parametrize(
    "query", [query for query in FILLED if str(query) not in EMPTY_OF_ONE], ids=str
)
def test_expression_gives_something_for_one_account(servers: Asked, query: Query) -> None:
    assert servers.query(query.with_values(account="demo-1"))


@pytest.mark.parametrize(
    "query", [query for query in [*QUERIES, *ANNOTATIONS] if str(query) in EMPTY], ids=str
)
def test_expression_that_is_to_be_empty_is_empty(servers: Asked, query: Query) -> None:
    assert servers.query(query.with_values()) == []


def test_every_expression_that_is_to_be_empty_exists() -> None:
    assert (EMPTY | EMPTY_OF_ONE).keys() <= {str(query) for query in [*QUERIES, *ANNOTATIONS]}


@pytest.mark.parametrize(
    "variable",
    [variable for _, variable in VARIABLES if variable["type"] == "query"],
    ids=[f"{name}: {each['name']}" for name, each in VARIABLES if each["type"] == "query"],
)
def test_variable_has_values_to_choose_from(servers: Asked, variable: Document) -> None:
    inside = filled(variable["definition"]).removeprefix("label_values(").removesuffix(")")
    selector, _, label = inside.rpartition(", ")
    answer = httpx.get(
        f"{servers.url}/api/v1/label/{label}/values", params={"match[]": selector}, trust_env=False
    )

    assert answer.json()["data"]
