"""The lines that introduce a family, written by prometheus-client itself."""

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest
from prometheus_client.registry import Collector

from exporter.page.family import Family
from exporter.page.negotiation import Format

# prometheus-client leaves this one without types.
_openmetrics_latest = cast("Callable[[Collector], bytes]", openmetrics_latest)

# With which a page of OpenMetrics ends.
END = b"# EOF\n"

S = TypeVar("S")


class _Collected(Collector):
    """Families that exist already, as prometheus-client's formatters want them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def header(family: Family[S], format_: Format) -> bytes:
    """Give the lines of `HELP` and `TYPE`."""
    families = _Collected([as_metric(family, [])])
    if format_ is Format.OPENMETRICS:
        return _openmetrics_latest(families).removesuffix(END)
    return generate_latest(families)


def as_metric(family: Family[S], states: Iterable[S]) -> Metric:
    """Give the family with the samples of `states`, as a value of prometheus-client."""
    metric = Metric(family.name.removesuffix("_total"), family.help, family.kind)
    for state in states:
        for key, value in family.read(state):
            labels = dict(zip(family.labels, (*family.owner(state), *key), strict=True))
            metric.add_sample(family.name, labels, float(value))
    return metric
