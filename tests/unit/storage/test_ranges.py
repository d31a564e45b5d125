import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.storage.ranges import ByteRange, RangeNotSatisfiable, parse_range

sizes = st.integers(0, 50)
positions = st.integers(0, 60)


@given(size=sizes, first=positions, last=st.none() | positions)
def test_a_range_is_the_bytes_it_names(size: int, first: int, last: int | None) -> None:
    whole = range(size)
    header = f"bytes={first}-{'' if last is None else last}"
    if last is not None and last < first:
        assert parse_range(header, size) is None
        return
    wanted = whole[first:] if last is None else whole[first : last + 1]
    if not wanted:
        with pytest.raises(RangeNotSatisfiable):
            parse_range(header, size)
    else:
        assert parse_range(header, size) == ByteRange(wanted.start, wanted.stop)


@given(size=sizes, count=positions)
def test_a_suffix_is_the_last_bytes(size: int, count: int) -> None:
    wanted = range(size)[-count:] if count else range(0)
    if not wanted:
        with pytest.raises(RangeNotSatisfiable):
            parse_range(f"bytes=-{count}", size)
    else:
        assert parse_range(f"bytes=-{count}", size) == ByteRange(wanted.start, wanted.stop)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "bytes=1-0",
        "items=0-1",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes=٣-٤",
        f"bytes=0-{'9' * 5000}",
    ],
)
def test_what_is_no_single_range_is_ignored(header: str | None) -> None:
    assert parse_range(header, 10) is None


@given(header=st.text())
def test_any_header_is_survived(header: str) -> None:
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["Bytes=0-0", "bytes = 0-0", "bytes= 0 - 0 "])
def test_space_and_case_do_not_matter(header: str) -> None:
    assert parse_range(header, 10) == ByteRange(0, 1)
