from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.page import in_parts

KIB = 1024


@given(lengths=st.lists(st.integers(0, 200 * KIB), max_size=8))
def test_any_page_comes_whole_and_in_order(lengths: list[int]) -> None:
    page = [bytes([number]) * length for number, length in enumerate(lengths)]

    assert b"".join(in_parts(page)) == b"".join(page)


@given(lengths=st.lists(st.integers(0, 200 * KIB), max_size=8))
def test_no_part_is_longer_than_64_kib(lengths: list[int]) -> None:
    parts = in_parts(b"x" * length for length in lengths)

    assert max(map(len, parts), default=0) <= 64 * KIB


def test_what_is_short_is_joined() -> None:
    assert list(in_parts([b"a", b"b", b"c"])) == [b"abc"]


def test_what_comes_in_parts_already_is_not_copied() -> None:
    parts = list(in_parts([b"x" * 300 * KIB]))

    again = list(in_parts(parts))

    assert [id(each) for each in again] == [id(each) for each in parts]
