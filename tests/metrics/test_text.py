import math
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.utils import floatToGoString

from exporter.metrics.text import label_text, number_text, sample_lines

amounts = st.from_regex(r"[0-9]{1,18}(\.[0-9]{1,18})?", fullmatch=True).filter(str.isascii)


@given(text=amounts)
@example("0.0001")
@example("0.00009999")
@example("0.00000001")
@example("0.00000000")
@example("0.1")
@example("12.50")
@example("100.00000000")
@example("999999.99999999")
@example("1000000.0")
@example("1234567.5")
@example("123456.123456789")
@example("123456.1234567891")
@example("9007199254740993.0")
@example("0.30000000000000004")
def test_any_amount_reads_as_prometheus_client_writes_it(text: str) -> None:
    assert number_text(Decimal(text)) == floatToGoString(float(Decimal(text)))  # type: ignore[no-untyped-call]  # untyped upstream


@given(value=st.one_of(st.floats(), st.integers(-(10**9), 10**9), st.booleans()))
@example(-0.0)
@example(math.inf)
@example(999_999)
@example(1_000_000)
@example(-1)
def test_any_float_and_status_reads_as_prometheus_client_writes_it(value: float) -> None:
    assert number_text(value) == floatToGoString(value)  # type: ignore[no-untyped-call]  # untyped upstream


@given(value=st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_reads_as_prometheus_client_writes_it(value: Decimal) -> None:
    assert number_text(value) == floatToGoString(float(value))  # type: ignore[no-untyped-call]  # untyped upstream


texts = st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.mark.parametrize("owned", [0, 1])
@given(rows=st.lists(st.tuples(texts, texts, st.floats()), min_size=1, max_size=3), account=texts)
def test_any_labels_read_as_prometheus_client_writes_them(
    owned: int, rows: list[tuple[str, str, float]], account: str
) -> None:
    names = ("account", "currency", "unit")
    metric = Metric("any", "Any.", "gauge")
    for currency, unit, value in rows:
        labels = dict(zip(names, (account, currency, unit), strict=True))
        metric.add_sample("any", labels, value)

    class Collected:
        def collect(self) -> list[Metric]:
            return [metric]

    lines = sample_lines(
        "any",
        label_text(names[:owned], [account][:owned]),
        names[owned:],
        tuple(((account, currency, unit)[owned:], value) for currency, unit, value in rows),
    )

    introduction = b"# HELP any Any.\n# TYPE any gauge\n"
    assert introduction + lines == generate_latest(Collected())
    assert introduction + lines + b"# EOF\n" == openmetrics_latest(Collected())  # type: ignore[no-untyped-call]  # untyped upstream


def test_sample_without_labels_has_no_braces() -> None:
    assert sample_lines("any", "", (), (((), 1),)) == b"any 1.0\n"


def test_sample_with_the_owner_alone_has_no_comma() -> None:
    assert sample_lines("any", 'account="a"', (), (((), 1),)) == b'any{account="a"} 1.0\n'
