"""docs/metrics.md, from the catalogue and an example page."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from exporter.errors import POLL_ERRORS
from exporter.metrics.account import FAMILIES
from exporter.metrics.exporter import EXPORTER_FAMILIES
from exporter.metrics.families import Family, never
from exporter.metrics.market import MARKET_FAMILIES
from exporter.metrics.optional import OPTIONAL_FAMILIES
from exporter.metrics.risk import RISK_FAMILIES
from generate.markdown import GENERATED, code, table

# Pages of the API documentation's example, and of a loan that a fall of BTC liquidates; held to the
# exporter by tests/metrics/test_exposition.py.
_FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
_EXAMPLES = (_FIXTURES / "documented.prom", _FIXTURES / "loan.prom")

_INTRODUCTION = """# Metrics

Every metric that the exporter exposes at `/metrics`, and every reason why a poll can fail. Read it to write a query, a dashboard or an
alert, or when a `reason` turns up in the log.

A series with a value of the exchange is absent unless the value comes from a complete, verified answer younger than `stale_after`: it is
never NaN, and never zero for "unknown". `process_*` and `python_*` come from the Prometheus client library.

The label `account` is your name for the account, `currency` an upper-case code, `unit` the currency of totals and prices. The field
of the API is in parentheses. **Stable** names, labels and meanings change in a major version only; **experimental** ones come from
endpoints that BitoPro no longer documents, and may change in a minor one. The examples are from [a whole
page](../tests/fixtures/documented.prom), and those of liquidation from [that of a loan](../tests/fixtures/loan.prom).

"""

_ENDPOINTS = """Three endpoints besides the balances may not be available to your key. They are asked after a poll of the balances, end before the next
one, and use requests that no poll needs, so they never delay or fail a poll.

| endpoint | asked | with | stale after |
| --- | --- | --- | --- |
| `mark-price` | every poll interval | the first key that can, once for all accounts | `stale_after` |
| `provisioning/borrow` | every 5 minutes | the first key that can, once for all accounts | 15 minutes, or `stale_after` if longer |
| `user-liquidations` | every minute | each account's key | 3 minutes, or `stale_after` if longer |

401, 403 or 404 on one of them alone means that it is not available to that key: this is logged once, `endpoint_up` is 0, and the next
attempt is 15 minutes later, or as soon as rejected credentials work again. Other failures back off, and 429 pauses all three. Nothing is
asked after a poll that failed with `auth`, `rate_limited`, `network`, `tls`, `timeout`, `clock` or `wrong_account`; liquidations are not
asked before balances have shown whose key it is. With accounts of different base URLs, `mark-price` and `provisioning/borrow`
are not asked at all, and the log says so at start.

"""

_REASONS = """## Reasons of failed polls

The values of the label `reason`, for polls and optional requests alike.

"""

# Of states of three kinds.
_Families = Sequence[Family[Any]]

_STABLE: _Families = [row for row in FAMILIES if row.stability == "stable"]
_OF_SNAPSHOT: _Families = [row for row in _STABLE if row.expires_at is not never]

_GROUPS: Sequence[tuple[str, str, _Families]] = (
    (
        "Polls and settings of an account",
        "Stable; not subject to `stale_after`.",
        [row for row in _STABLE if row.expires_at is never],
    ),
    (
        "Account",
        "Stable; as of the last poll.",
        [row for row in _OF_SNAPSHOT if "currency" not in row.labels],
    ),
    (
        "Currencies of an account",
        "Stable; as of the last poll.",
        [row for row in _OF_SNAPSHOT if "currency" in row.labels],
    ),
    (
        "Risk",
        "Experimental; as of the last poll, at the prices and terms known then. A value disappears with the oldest of what it needs. [Formulas](risk.md).",
        RISK_FAMILIES,
    ),
    (
        "Liquidations",
        "Experimental; as of the last answer of `user-liquidations`.",
        [row for row in OPTIONAL_FAMILIES if row.expires_at is not never],
    ),
    (
        "Prices and terms of borrowing",
        "Experimental; as of the last answer of `mark-price` and `provisioning/borrow`.",
        MARKET_FAMILIES,
    ),
    ("The exporter", "Stable.", EXPORTER_FAMILIES),
    (
        "Optional endpoints",
        "Experimental; present once the endpoint was asked with the account's key.",
        [row for row in OPTIONAL_FAMILIES if row.expires_at is never],
    ),
)


def metrics_page() -> str:
    """Return the page."""
    return f"{GENERATED}{_INTRODUCTION}{chr(10).join(_groups())}\n{_ENDPOINTS}{_reasons()}"


def _groups() -> Iterator[str]:
    pages = [path.read_text(encoding="utf-8") for path in _EXAMPLES]
    for heading, introduction, families in _GROUPS:
        yield f"## {heading}\n\n{introduction}\n"
        yield table(("metric", "type", "unit", "labels", "meaning"), map(_row, families))
        examples = [
            next(filter(None, (_example(row.name, page) for page in pages)), "") for row in families
        ]
        if any(examples):
            yield f"```text\n{chr(10).join(filter(None, examples))}\n```\n"


def _row(family: Family[Any]) -> Sequence[str]:
    # What a whole group has in common is said above its table.
    meaning = re.sub(r", as of the last (?:poll|answer)", "", family.help)
    labels = ", ".join(map(code, family.labels))
    return code(family.name), family.kind, family.unit, labels, meaning


def _example(name: str, page: str) -> str:
    found = re.search(rf"^{name}(?:{{.*}})? .*$", page, re.MULTILINE)
    return found[0] if found else ""


def _reasons() -> str:
    rows = [(code(reason), each.meaning, each.hint) for reason, each in POLL_ERRORS.items()]
    return f"{_REASONS}{table(('reason', 'meaning', 'what to do'), rows)}"
