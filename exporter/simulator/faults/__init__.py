"""The faults of the simulated exchange, by subject, and every one by its name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exporter.simulator.faults.cached import CACHE_FAULTS
from exporter.simulator.faults.connection import CONNECTION_FAULTS, ENDLESS_FAULTS
from exporter.simulator.faults.fault import Fault
from exporter.simulator.faults.fields import FIELD_FAULTS, NAME_FAULTS, NUMBER_FAULTS
from exporter.simulator.faults.framing import FRAMING_FAULTS
from exporter.simulator.faults.status import CODING_FAULTS, STATUS_FAULTS
from exporter.simulator.faults.text import TEXT_FAULTS
from exporter.simulator.faults.unusual_responses import UNUSUAL_RESPONSES

ALL_FAULTS = (
    *CONNECTION_FAULTS,
    *ENDLESS_FAULTS,
    *FRAMING_FAULTS,
    *CODING_FAULTS,
    *CACHE_FAULTS,
    *STATUS_FAULTS,
    *TEXT_FAULTS,
    *FIELD_FAULTS,
    *NUMBER_FAULTS,
    *NAME_FAULTS,
    *UNUSUAL_RESPONSES,
)


def by_name(faults: Iterable[Fault]) -> Mapping[str, Fault]:
    """Return faults by their names. Raises ValueError if two of them have the same."""
    found: dict[str, Fault] = {}
    for fault in faults:
        if fault.name in found:
            # The earlier one would never be used, unnoticed.
            raise ValueError(f"two faults are named {fault.name!r}")
        found[fault.name] = fault
    return MappingProxyType(found)


FAULTS: Mapping[str, Fault] = by_name(ALL_FAULTS)
"""The registry: every fault by name."""
