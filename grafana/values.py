"""Values of JSON."""

from collections.abc import Mapping, Sequence

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]
Json = Mapping[str, Value]
