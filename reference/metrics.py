"""docs/metrics.md, from the catalogue and an example page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.advice import ADVICE
from exporter.page.catalogue import FAMILIES
from exporter.page.family import PREFIX
from exporter.page.market_catalogue import MARKET_FAMILIES
from exporter.page.telemetry_catalogue import TELEMETRY_FAMILIES
from reference.markdown import GENERATED, code, table

# The page of the API documentation's example, held to the exporter by tests/test_exposition.py.
_EXAMPLE = Path(__file__).parents[1] / "tests" / "fixtures" / "documented.prom"
_FIELD = re.compile(r"\(([a-z]+[A-Z]\w*)\)")

_INTRODUCTION = """# Metrics

Every family at `/metrics`, in the text format or OpenMetrics as the scraper asks. A series of an account is absent as long as its
value is not known from a complete, verified answer that is younger than `stale_after`: never NaN, never zero for "unknown". What is
about the exporter and its polls is always there. `process_*` and `python_*` are prometheus-client's own.

Labels: `account` is your own name for the account, `currency` an upper-case code, `unit` the currency of totals and prices.
**Stable** names, labels and meanings change with a major version only. **Experimental** ones come from endpoints that the exchange no
longer documents, and may change with a minor one. The examples are those of
[a whole page](../tests/fixtures/documented.prom).

"""

_ENDPOINTS = """## Optional endpoints

Beside the balances, three endpoints are asked that may not be enabled for your key. They are asked after a poll of the
balances and end before the next one, with requests that nobody else needs, so they never delay or fail it.

| endpoint | asked | with | gone after |
| --- | --- | --- | --- |
| `mark-price` | every poll interval | the first key that can, for all accounts | `stale_after` |
| `provisioning/borrow` | every 5 minutes | the first key that can, for all accounts | 15 minutes |
| `user-liquidations` | every minute | each account's key | 3 minutes |

With a `stale_after` longer than that, the last two are kept as long. 401, 403 or 404 on one of them alone means that it is
not available to that key: it is logged once, `endpoint_up` is 0, and it is asked again after 15 minutes, or at once when
rejected credentials work again. Other failures back off; after 429 all three pause. After a poll that failed with `auth`,
`rate_limited`, `network`, `tls`, `timeout`, `clock` or `wrong_account`, nothing is asked, and no liquidations before
balances have told whose key it is. Accounts with different base
URLs share no prices: then `mark-price` and `provisioning/borrow` are not asked at all, and the log says so at start.

"""

_REASONS = """## Reasons of failed polls

The values of the label `reason`, of polls and of requests to optional endpoints alike.

"""


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: str
    help: str
    labels: Sequence[str]


def metrics_page() -> str:
    """Give the page."""
    example = _EXAMPLE.read_text(encoding="utf-8")
    return f"{GENERATED}{_INTRODUCTION}{chr(10).join(_entries(example))}\n{_ENDPOINTS}{_reasons()}"


def _entries(example: str) -> Iterator[str]:
    for row in _rows():
        found = re.search(rf"^{row.name}(?:{{.*}})? .*$", example, re.MULTILINE)
        yield f"## {row.name}\n\n{row.help}\n"
        yield table(
            ("type", "unit", "labels", "source", "stability"),
            [
                (
                    row.kind,
                    _unit(row),
                    ", ".join(map(code, row.labels)) or "none",
                    ", ".join(map(code, _FIELD.findall(row.help))) or "the exporter",
                    "experimental" if _is_experimental(row.name) else "stable",
                )
            ],
        )
        if found:
            yield f"```text\n{found[0]}\n```\n"


def _rows() -> Iterator[_Row]:
    yield from (_Row(each.name, each.kind, each.help, each.labels) for each in FAMILIES)
    yield from (_Row(each.name, each.kind, each.help, each.labels) for each in MARKET_FAMILIES)
    for each in TELEMETRY_FAMILIES:
        if each.name.startswith(PREFIX):
            yield _Row(each.name, each.kind, each.help, each.labels)


def _is_experimental(name: str) -> bool:
    return name.removeprefix(PREFIX).startswith(_EXPERIMENTAL)


_EXPERIMENTAL = (
    "mark_price",
    "borrow_annual_interest",
    "borrow_user_limit",
    "borrow_system",
    "liquidations",
    "last_liquidation",
    "endpoint_",
)

# What a name's end does not tell.
_UNITS = {
    "ad_ratio": "ratio",
    "ad_ratio_threshold": "ratio",
    "account_status": "code",
    "margin_status": "code",
    "borrow_status": "code",
    "transfer_status": "code",
    "mark_price": "price in `unit`",
    "liquidations_unfinished": "count",
    "up": "0 or 1",
    "ad_ratio_threshold_assumed": "0 or 1",
    "inconsistent": "0 or 1",
    "endpoint_up": "0 or 1",
    "exporter_config_last_reload_successful": "0 or 1",
    "ad_ratio_label": "1",
    "account_info": "1",
    "exporter_build_info": "1",
    "exporter_exposed_without_auth": "0 or 1",
    "exporter_shard_ordinal": "number",
    "exporter_shards": "count",
}


def _unit(row: _Row) -> str:
    """Give the unit; a family that neither its name nor the table tells is a mistake here."""
    if row.name.endswith("_timestamp_seconds"):
        return "Unix time in seconds"
    if row.name.endswith("_seconds"):
        return "seconds"
    if row.name.endswith("_ratio") and row.name != f"{PREFIX}ad_ratio":
        return "ratio, 0.01 is 1 %"
    if row.kind == "counter":
        return "count"
    if row.name.endswith("_amount"):
        return "amount of `currency`" if "currency" in row.labels else "amount of `unit`"
    return _UNITS[row.name.removeprefix(PREFIX)]


def _reasons() -> str:
    rows = [(code(reason), each.meaning, each.do) for reason, each in sorted(ADVICE.items())]
    return f"{_REASONS}{table(('reason', 'meaning', 'what to do'), rows)}"
