import gzip
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.page.checksum import checksum, crc32, joined
from exporter.page.deflate import beginning, pieces, run

# Short ones, repeated: what is compressed is long and looks like itself.
contents = st.builds(bytes.__mul__, st.binary(max_size=50), st.integers(0, 3000))


@given(one=contents, other=contents)
def test_checksum_of_bytes_that_follow_each_other_is_zlibs(one: bytes, other: bytes) -> None:
    both = joined(checksum(one).remainder, checksum(other))

    assert crc32(both) == zlib.crc32(one + other)


@given(data=contents)
@example(b"\0" * (1 << 24))
def test_checksum_of_any_length_is_zlibs(data: bytes) -> None:
    assert crc32(checksum(data).remainder) == zlib.crc32(data)
    assert crc32(joined(checksum(b"x").remainder, checksum(data))) == zlib.crc32(b"x" + data)


@given(parts=st.lists(contents, max_size=5), end=st.binary(max_size=50))
def test_pieces_are_one_member_of_gzip(parts: list[bytes], end: bytes) -> None:
    member = b"".join(beginning(pieces(parts)).with_end(end))

    # A reader of one member sees all, and nothing is left for another.
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(member) == b"".join(parts) + end
    assert (reader.eof, reader.unused_data) == (True, b"")
    assert gzip.decompress(member) == b"".join(parts) + end


@given(
    before=st.lists(contents, min_size=4, max_size=4),
    after=st.lists(contents, min_size=4, max_size=4),
    changed=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_pieces_of_different_times_are_one_member(
    before: list[bytes], after: list[bytes], changed: list[bool]
) -> None:
    now = [new if is_new else old for old, new, is_new in zip(before, after, changed, strict=True)]

    member = b"".join(beginning(pieces(now, pieces(before))).with_end(b""))

    assert gzip.decompress(member) == b"".join(now)


def test_piece_of_what_is_as_it_was_is_the_very_same() -> None:
    before = pieces([b"one", b"two"])

    after = pieces([b"one", b"three"], before)

    assert (after[0] is before[0], after[1] is before[1]) == (True, False)


@given(
    before=st.lists(contents, min_size=3, max_size=3),
    after=st.lists(contents, min_size=3, max_size=3),
    changed=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_runs_of_runs_are_what_their_pieces_are(
    before: list[bytes], after: list[bytes], changed: list[bool]
) -> None:
    now = [new if is_new else old for old, new, is_new in zip(before, after, changed, strict=True)]
    old_pieces = pieces(before)
    new_pieces = pieces(now, old_pieces)

    kept = run(new_pieces[:2], run(old_pieces[:2]))
    member = b"".join(beginning([kept, run(new_pieces[2:])]).with_end(b"end"))

    assert gzip.decompress(member) == b"".join(now) + b"end"


def test_run_of_the_same_pieces_is_the_very_same() -> None:
    parts = pieces([b"one", b"two"])
    before = run(parts)

    assert run(pieces([b"one", b"two"], parts), before) is before
    assert run(pieces([b"one", b"three"], parts), before) is not before
