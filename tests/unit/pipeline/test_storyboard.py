import re

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workers.pipeline.storyboard import draw_sheets, plan_storyboard, write_index

DURATIONS = st.integers(1, 12 * 3600 * 1000)


@given(DURATIONS, st.integers(2, 4096), st.integers(2, 4096))
def test_cues_cover_the_video_without_gap(duration_ms: int, width: int, height: int) -> None:
    board = plan_storyboard(duration_ms, 4000, width, height)
    tiles = board.count(duration_ms)
    assert 1 <= tiles <= 300
    assert max(board.tile) <= 160
    text = write_index(board, tiles, duration_ms)
    times = [
        ((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms)
        for h, m, s, ms in re.findall(r"(\d+):(\d\d):(\d\d)\.(\d{3})", text)
    ]
    starts, ends = times[::2], times[1::2]
    assert starts[0] == 0
    assert starts[1:] == ends[:-1]
    assert ends[-1] == duration_ms
    assert all(a < b for a, b in zip(starts, ends, strict=True))


def test_rectangles_lie_where_the_tiles_are() -> None:
    tiles = [Image.new("RGB", (16, 9), (n, 0, 0)) for n in range(123)]
    sheets = draw_sheets(tiles)
    assert [sheet.size for sheet in sheets] == [(160, 90), (160, 27)]
    board = plan_storyboard(123_000 * 4, 4000, 16, 9)
    places = re.findall(r"-(\d)\.jpg#xywh=(\d+),(\d+),", write_index(board, 123, 123_000 * 4))
    for number, (sheet, x, y) in enumerate(places):
        assert sheets[int(sheet)].getpixel((int(x), int(y))) == (number, 0, 0)


def test_short_videos_get_a_picture_a_second_and_long_ones_only_keyframes() -> None:
    assert not plan_storyboard(10_000, 4000, 640, 360).keyframes_only
    long = plan_storyboard(7_200_000, 4000, 640, 360)
    assert long.keyframes_only
    assert long.interval_ms % 4000 == 0
