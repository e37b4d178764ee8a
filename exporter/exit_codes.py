"""The exit codes that commands end with; the last two after sysexits.h."""

from collections.abc import Mapping
from types import MappingProxyType

EXIT_FAILED = 1
EXIT_INTERNAL = 70
EXIT_CONFIGURATION = 78

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "it did what was asked for, or was stopped by a signal",
        1: "something outside stands in the way: a port is taken, an account fails its check "
        "or gave no answer, a drill was not seen or was stopped, output cannot be written",
        2: "wrong usage",
        70: "a bug; please report it",
        78: "the configuration cannot be used",
    }
)
