"""docs/metrics.md, from the catalogue and an example page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exporter.errors import POLL_ERRORS
from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import EXPORTER_FAMILIES
from exporter.metrics.families import Family
from exporter.metrics.market import MARKET_FAMILIES
from generate.markdown import GENERATED, code, table

# The page of the API documentation's example, held to the exporter by tests/metrics/test_exposition.py.
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


# Of states of three kinds.
_FAMILIES: tuple[Family[Any], ...] = (*FAMILIES, *MARKET_FAMILIES, *EXPORTER_FAMILIES)


def metrics_page() -> str:
    """Return the page."""
    example = _EXAMPLE.read_text(encoding="utf-8")
    return f"{GENERATED}{_INTRODUCTION}{chr(10).join(_entries(example))}\n{_ENDPOINTS}{_reasons()}"


def _entries(example: str) -> Iterator[str]:
    for row in _FAMILIES:
        found = re.search(rf"^{row.name}(?:{{.*}})? .*$", example, re.MULTILINE)
        yield f"## {row.name}\n\n{row.help}\n"
        yield table(
            ("type", "unit", "labels", "source", "stability"),
            [
                (
                    row.kind,
                    row.unit,
                    ", ".join(map(code, row.labels)) or "none",
                    ", ".join(map(code, _FIELD.findall(row.help))) or "the exporter",
                    row.stability,
                )
            ],
        )
        if found:
            yield f"```text\n{found[0]}\n```\n"


def _reasons() -> str:
    rows = [(code(reason), each.meaning, each.hint) for reason, each in POLL_ERRORS.items()]
    return f"{_REASONS}{table(('reason', 'meaning', 'what to do'), rows)}"
