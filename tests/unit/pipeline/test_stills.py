from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.ladder import Rung
from workers.pipeline.stills import plan_stills, still_name, still_rung
from workers.pipeline.storyboard import plan_storyboard

DURATIONS = st.integers(1, 12 * 3600 * 1000)
# Sizes of renditions are even.
SIDES = st.integers(1, 2048).map(lambda half: half * 2)


def rung(width: int, height: int) -> Rung:
    return Rung(name=f"{height}p", width=width, height=height, crf=23, max_bit_rate=1)


@given(DURATIONS, st.sampled_from([2_000, 4_000, 6_000]), SIDES, SIDES)
def test_stills_are_few_and_lie_on_the_storyboard(
    duration_ms: int, segment_ms: int, width: int, height: int
) -> None:
    board = plan_storyboard(duration_ms, segment_ms, width, height)
    stills = plan_stills(board, rung(width, height), duration_ms)
    count = stills.count(duration_ms)
    assert 1 <= count <= 100
    # As many as there may be: half the interval would give too many, or lie off the storyboard.
    assert count > 50 or stills.interval_ms == board.interval_ms
    assert stills.interval_ms % board.interval_ms == 0
    # The last one is shown, and nothing at the end is further than an interval from a still.
    assert (count - 1) * stills.interval_ms < duration_ms <= count * stills.interval_ms


@given(SIDES, SIDES)
def test_stills_keep_proportions_and_are_not_enlarged(width: int, height: int) -> None:
    board = plan_storyboard(60_000, 4_000, width, height)
    wide, high = plan_stills(board, rung(width, height), 60_000).size
    assert max(wide, high) <= 640
    assert 2 <= wide <= width
    assert 2 <= high <= height
    assert wide % 2 == high % 2 == 0
    if max(width, height) <= 640:
        assert (wide, high) == (width, height)
    else:
        assert max(wide, high) == 640
        # Rounding to even numbers moves a side by a pixel at most, and a thin one up to two.
        assert abs(min(wide, high) - 640 * min(width, height) / max(width, height)) <= 2


def test_the_rendition_is_the_smallest_that_is_large_enough() -> None:
    landscape = [rung(1920, 1080), rung(1280, 720), rung(640, 360), rung(426, 240)]
    portrait = [rung(720, 1280), rung(360, 640), rung(240, 426)]
    assert still_rung(landscape).height == 360
    assert still_rung(portrait).height == 640
    assert still_rung([rung(426, 240), rung(256, 144)]).height == 240


@given(DURATIONS, DURATIONS)
def test_names_sort_as_times_do(one: int, other: int) -> None:
    assert (still_name(one) < still_name(other)) == (one < other)
