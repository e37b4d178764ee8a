"""What states add to the page: a fragment per state and family, joined in groups of states.

A fragment is rendered when its state changes, and a group joined when one of its states has
changed or something in it has grown stale: a scrape formats nothing, and joins what is new.
"""

import math
from collections.abc import Callable, Container, Sequence
from typing import Generic, TypeVar

from exporter.deflate import Piece, pieces
from exporter.family import Family, Samples
from exporter.sample_lines import label_text, sample_lines

S = TypeVar("S")


class _Fragments(Generic[S]):
    """A state's part of the page: per family its bytes, and when they are to disappear.

    The families are those of one catalogue: the first labels are the same in all of them. What
    has the same samples as it had earlier is not written again: equal numbers have the same text,
    but for the sign of a zero.
    """

    def __init__(
        self, families: Sequence[Family[S]], state: S, earlier: "_Fragments[S] | None"
    ) -> None:
        self.state = state
        owner = families[0].owner(state)
        text = label_text(families[0].labels[: len(owner)], owner)
        known: list[Samples] = []
        by_family: list[bytes] = []
        for index, family in enumerate(families):
            is_same = earlier is not None and family.source(earlier.state) is family.source(state)
            samples = earlier.samples[index] if earlier and is_same else family.read(state)
            known.append(samples)
            by_family.append(
                earlier.by_family[index]
                if earlier and samples == earlier.samples[index]
                else _fragment(family, samples, len(owner), text)
            )
        # Tuples, which the garbage collector learns to pass over.
        self.samples: tuple[Samples, ...] = tuple(known)
        self.by_family: tuple[bytes, ...] = tuple(by_family)
        self.expires_at: tuple[float, ...] = tuple(each.expires_at(state) for each in families)


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
    has left as it was need not be rendered again.
    """

    def __init__(self, families: Sequence[Family[S]], configuration: Callable[[S], object]) -> None:
        self._families = families
        self._configuration = configuration
        self._members: dict[str, _Fragments[S]] = {}
        self._joined: Joined | None = None
        self._has_changed = False

    def put(self, name: str, state: S) -> None:
        """Render a state, in place of the member's earlier one."""
        earlier = self._members.get(name)
        if earlier and self._configuration(earlier.state) is not self._configuration(state):
            earlier = None
        self._members[name] = _Fragments(self._families, state, earlier)
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

    def _join(self, now: float) -> Joined:
        members = self._members.values()
        by_family = tuple(
            b"".join([each.by_family[index] for each in members if now < each.expires_at[index]])
            for index in range(len(self._families))
        )
        expiries = {expiry for each in members for expiry in each.expires_at}
        holds_until = min(expiry for expiry in (*expiries, math.inf) if now < expiry)
        return Joined(by_family, holds_until, self._joined)


def _fragment(family: Family[S], samples: Samples, owned: int, owner: str) -> bytes:
    """Give the lines of samples, `owner` being the text of so many labels that are owned."""
    keys, values = samples
    return sample_lines(family.name, owner, family.labels[owned:], keys, values) if keys else b""
