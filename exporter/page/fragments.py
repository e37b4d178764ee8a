"""What states add to the page: a fragment per state and family, joined in groups of states.

A fragment is rendered when its state changes, and a group joined when one of its states has
changed or something in it has grown stale: a scrape formats nothing, and joins what is new.
"""

import math
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.page.deflate import Piece, pieces
from exporter.page.family import NO_SAMPLES, Family, Samples
from exporter.page.sample_lines import label_text, sample_lines

S = TypeVar("S")


# What was read for a family, and its lines. Plain tuples of what refers to nothing are those that
# the garbage collector learns to pass over.
_Row = tuple[Samples, bytes]


@dataclass(frozen=True, slots=True)
class _Member:
    """A state's place on the page; `parts` and `expires_at` go by part of it, `rows` by family."""

    configuration: object
    parts: tuple[object, ...]
    expires_at: tuple[float, ...]
    rows: tuple[_Row, ...]


class Joined:
    """What a group adds to each family; it holds until something in it grows stale."""

    def __init__(
        self, by_family: Sequence[bytes], holds_until: float, earlier: "Joined | None" = None
    ) -> None:
        self.by_family = by_family
        self.holds_until = holds_until
        self.known_pieces: Sequence[Piece] = earlier.known_pieces if earlier else ()
        self._is_compressed = False

    @property
    def pieces(self) -> Sequence[Piece]:
        """The same, compressed; done once, and only what is not as it was earlier."""
        if not self._is_compressed:
            self.known_pieces = pieces(self.by_family, self.known_pieces)
            # Equal bytes, and now those that are held anyway.
            self.by_family = [each.content for each in self.known_pieces]
            self._is_compressed = True
        return self.known_pieces


class Group(Generic[S]):
    """States that are joined and compressed together.

    `configuration` gives what a state was made for: while it is the very same, what a new state
    has left as it was need not be rendered again. Families have the same owner.
    """

    def __init__(self, families: Sequence[Family[S]], configuration: Callable[[S], object]) -> None:
        self._families = families
        self._configuration = configuration
        self._parts = tuple(dict.fromkeys(family.part for family in families))
        self._columns = [(family, self._parts.index(family.part)) for family in families]
        self._blank = _Member(
            configuration=None,
            parts=tuple(object() for _ in self._parts),
            expires_at=(),
            rows=((NO_SAMPLES, b""),) * len(families),
        )
        self._members: dict[str, _Member] = {}
        self._joined: Joined | None = None
        self._has_changed = False

    def put(self, name: str, state: S) -> None:
        """Render a state, in place of the member's earlier one."""
        earlier = self._members.get(name, self._blank)
        if earlier.configuration is not self._configuration(state):
            earlier = self._blank
        self._members[name] = self._render(state, earlier)
        self._has_changed = True

    def keep(self, names: Container[str]) -> None:
        """Drop the members that are not named."""
        kept = {name: each for name, each in self._members.items() if name in names}
        self._has_changed |= len(kept) < len(self._members)
        self._members = kept

    def __len__(self) -> int:
        return len(self._members)

    def joined(self, now: float) -> Joined:
        """Give what is not stale by then."""
        if self._joined is None or self._has_changed or now >= self._joined.holds_until:
            self._joined = self._join(now)
            self._has_changed = False
        return self._joined

    def _render(self, state: S, earlier: _Member) -> _Member:
        """Render a state; of a part that is the very same, what was rendered earlier is taken."""
        parts = tuple([part.read(state) for part in self._parts])
        owner = self._families[0].owner(state)
        text = label_text(self._families[0].labels[: len(owner)], owner)
        rows = [
            row
            if earlier.parts[part] is parts[part]
            else _row(family, len(owner), text, family.read(state), row)
            for (family, part), row in zip(self._columns, earlier.rows, strict=True)
        ]
        expires_at = tuple([part.expires_at(state) for part in self._parts])
        return _Member(self._configuration(state), parts, expires_at, tuple(rows))

    def _join(self, now: float) -> Joined:
        members = self._members.values()
        shown = [
            [each.rows for each in members if now < each.expires_at[part]]
            for part in range(len(self._parts))
        ]
        by_family = tuple(
            b"".join([rows[index][-1] for rows in shown[part]])
            for index, (_, part) in enumerate(self._columns)
        )
        expiries = {expiry for each in members for expiry in each.expires_at}
        holds_until = min(expiry for expiry in (*expiries, math.inf) if now < expiry)
        return Joined(by_family, holds_until, self._joined)


def _row(family: Family[S], owned: int, owner: str, samples: Samples, earlier: _Row) -> _Row:
    """Write the lines of samples, unless they are the earlier ones.

    Equal numbers have the same text, but for the sign of a zero. `owner` is the text of the first
    labels, so many that are `owned`.
    """
    if samples == earlier[0]:
        return earlier
    if not samples:
        return samples, b""
    keys, values = zip(*samples, strict=True)
    return samples, sample_lines(family.name, owner, family.labels[owned:], keys, values)
