"""The fault plan: every fault by name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exporter.simulator.cache_faults import CACHE_FAULTS
from exporter.simulator.coding_faults import CODING_FAULTS
from exporter.simulator.endless_faults import ENDLESS_FAULTS
from exporter.simulator.fault import Fault
from exporter.simulator.field_faults import FIELD_FAULTS
from exporter.simulator.framing_faults import FRAMING_FAULTS
from exporter.simulator.name_faults import NAME_FAULTS
from exporter.simulator.number_faults import NUMBER_FAULTS
from exporter.simulator.odd_answers import ODD_ANSWERS
from exporter.simulator.status_faults import STATUS_FAULTS
from exporter.simulator.text_faults import TEXT_FAULTS
from exporter.simulator.wire_faults import WIRE_FAULTS

ALL_FAULTS = (
    *WIRE_FAULTS,
    *ENDLESS_FAULTS,
    *FRAMING_FAULTS,
    *CODING_FAULTS,
    *CACHE_FAULTS,
    *STATUS_FAULTS,
    *TEXT_FAULTS,
    *FIELD_FAULTS,
    *NUMBER_FAULTS,
    *NAME_FAULTS,
    *ODD_ANSWERS,
)


def by_name(faults: Iterable[Fault]) -> Mapping[str, Fault]:
    """Return faults by their names. Raises ValueError if two of them have the same."""
    found: dict[str, Fault] = {}
    for fault in faults:
        if fault.name in found:
            # The earlier one would never be played, and nobody would notice.
            raise ValueError(f"two faults are named {fault.name!r}")
        found[fault.name] = fault
    return MappingProxyType(found)


FAULTS: Mapping[str, Fault] = by_name(ALL_FAULTS)
"""Every fault by name, in the order of the plan."""
