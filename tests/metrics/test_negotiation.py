import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.negotiation import Format, accepts_gzip, choose_format

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        (PROMETHEUS_2_42, Format.OPENMETRICS),
        (PROMETHEUS_3, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", Format.OPENMETRICS),
        (BROWSER, Format.TEXT),
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/plain;version=0.0.4", Format.TEXT),
        ("text/plain, application/openmetrics-text;version=1.0.0", Format.TEXT),
        ("text/plain;q=0.2, application/openmetrics-text;q=0.1", Format.TEXT),
        ("application/openmetrics-text;version=99.0.0", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=nan", Format.TEXT),
        ("application/openmetrics-text;q=1e9", Format.TEXT),
        ("application/openmetrics-text;version", Format.OPENMETRICS),
        (";;;,,,==", Format.TEXT),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily", Format.TEXT),
    ],
)
def test_format_that_an_accept_header_prefers(accept: str, format_: Format) -> None:
    assert choose_format(accept) is format_


@pytest.mark.parametrize(
    ("accept_encoding", "is_accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("", False),
        ("identity", False),
        ("gzip;q=junk", False),
    ],
)
def test_gzip_is_used_where_it_is_named(accept_encoding: str, is_accepted: bool) -> None:  # noqa: FBT001 - an expected value
    assert accepts_gzip(accept_encoding) is is_accepted


@given(st.text())
def test_no_header_is_too_odd_to_be_read(header: str) -> None:
    assert choose_format(header) in Format
    assert accepts_gzip(header) in (True, False)
