"""How a file is cut, and which parts make it whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.errors import Invalid
from app.foundation.storage.protocols import MAX_PARTS, MIN_PART_BYTES, Part
from app.uploads.parts import Cut, check_parts, plan_cut

MIB = 1024 * 1024
sizes = st.integers(1, 5 * 1024**4)


@given(sizes, st.integers(MIN_PART_BYTES, 64 * MIB))
def test_parts_are_no_more_than_may_be_and_add_up(size: int, part_size: int) -> None:
    cut = plan_cut(size, part_size)
    assert 1 <= cut.count <= MAX_PARTS
    assert cut.part_size >= part_size
    assert (cut.count - 1) * cut.part_size + cut.size_of(cut.count) == size
    assert 1 <= cut.size_of(cut.count) <= cut.part_size


@pytest.mark.parametrize(
    ("size", "part_size", "count"),
    [(1, 16 * MIB, 1), (16 * MIB, 16 * MIB, 1), (16 * MIB + 1, 16 * MIB, 2)],
)
def test_counts_at_the_edges(size: int, part_size: int, count: int) -> None:
    assert plan_cut(size, part_size).count == count


def stored(cut: Cut) -> list[Part]:
    return [Part(number, cut.size_of(number), f"e{number}") for number in range(1, cut.count + 1)]


CUT = Cut(25, 10)


def test_what_is_whole_is_taken_in_order() -> None:
    parts = stored(CUT)
    claimed = {1: "e1", 3: '"e3"', 2: "e2"}
    assert check_parts(CUT, parts[::-1], claimed) == parts
    assert check_parts(CUT, parts, None) == parts


@pytest.mark.parametrize(
    ("parts", "claimed", "code"),
    [
        (stored(CUT)[:2], None, "upload_parts_missing"),
        ([], None, "upload_parts_missing"),
        ([*stored(CUT), Part(4, 1, "e4")], None, "upload_size_mismatch"),
        ([*stored(CUT)[:2], Part(3, 6, "e3")], None, "upload_part_invalid"),
        (stored(CUT), {1: "e1", 2: "e2"}, "upload_part_invalid"),
        (stored(CUT), {1: "e1", 2: "e2", 3: "e3", 4: "e4"}, "upload_part_invalid"),
        (stored(CUT), {1: "e1", 2: "e2", 3: "other"}, "upload_part_invalid"),
    ],
)
def test_what_is_not_whole_is_refused(
    parts: list[Part], claimed: dict[int, str] | None, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check_parts(CUT, parts, claimed)
    assert refused.value.code == code
