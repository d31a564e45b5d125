import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.playback.delivery import Grant
from app.playback.storyboard import (
    StoryboardBroken,
    Tile,
    parse_storyboard,
    place_storyboard,
    tile_at,
)

VTT = """WEBVTT

00:00:00.000 --> 00:00:04.000
storyboard-0.jpg#xywh=0,0,160,90

2
01:00:04.000 --> 01:00:08.500 align:start
storyboard-1.jpg#xywh=160,90,160,90
"""


def test_cues_become_tiles() -> None:
    assert parse_storyboard(VTT) == (
        Tile(0, 4000, "storyboard-0.jpg", 0, 0, 160, 90),
        Tile(3_604_000, 3_608_500, "storyboard-1.jpg", 160, 90, 160, 90),
    )
    assert parse_storyboard(VTT)[1].box == (160, 90, 320, 180)


@given(st.lists(st.integers(0, 10**9), min_size=1), st.integers(0, 10**9))
def test_a_moment_is_shown_by_the_last_tile_that_began(starts: list[int], moment: int) -> None:
    tiles = [Tile(start, start + 1, "s", 0, 0, 1, 1) for start in sorted(starts)]
    shown = tile_at(tiles, moment)
    begun = [tile for tile in tiles if tile.start_ms <= moment]
    assert shown == (begun[-1] if begun else tiles[0])


def test_sheets_are_placed() -> None:
    placed = place_storyboard(VTT, Grant("/media/g/images"))
    assert [tile.sheet for tile in parse_storyboard(placed)] == [
        "/media/g/images/storyboard-0.jpg",
        "/media/g/images/storyboard-1.jpg",
    ]
    signed = place_storyboard(VTT, Grant("https://cdn.example/i", query="a=1&b=2"))
    assert "https://cdn.example/i/storyboard-0.jpg?a=1&b=2#xywh=0,0,160,90\n" in signed


@pytest.mark.parametrize("text", ["", "WEBVTT\n", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"])
def test_what_is_no_storyboard_is_refused(text: str) -> None:
    with pytest.raises(StoryboardBroken):
        parse_storyboard(text)
