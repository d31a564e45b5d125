"""The storyboard's index: which tile of which sheet shows a moment."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.playback.delivery import Grant

VTT = "text/vtt; charset=utf-8"

_TIMING = re.compile(r"(?P<start>[\d:.]+)\s+-->\s+(?P<end>[\d:.]+)")
# Media Fragments URI 1.0, section 4.2.2: a rectangle in pixels.
_TILE = re.compile(r"(?P<sheet>[^#\s]+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)")


class StoryboardBroken(Exception):
    """What lies in the store is no storyboard index."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a sheet, in pixels, and the time it stands for, in milliseconds."""

    start_ms: int
    end_ms: int
    sheet: str
    left: int
    top: int
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """As Pillow's crop takes it: left, top, right, bottom."""
        return self.left, self.top, self.left + self.width, self.top + self.height


def parse_storyboard(vtt: str) -> tuple[Tile, ...]:
    """The tiles of a WebVTT file whose cues are image fragments, by their start.

    Raises:
        StoryboardBroken: not WebVTT, or without any tile.
    """
    if not vtt.startswith("WEBVTT"):
        raise StoryboardBroken("WebVTT begins with WEBVTT")
    tiles: list[Tile] = []
    timing: re.Match[str] | None = None
    for line in vtt.splitlines():
        if found := _TIMING.match(line):
            timing = found
        elif timing and (tile := _TILE.match(line)):
            left, top, width, height = (int(number) for number in tile.groups()[1:])
            start, end = _milliseconds(timing["start"]), _milliseconds(timing["end"])
            tiles.append(Tile(start, end, tile["sheet"], left, top, width, height))
            timing = None
    if not tiles:
        raise StoryboardBroken("no cue points to a tile")
    return tuple(sorted(tiles, key=lambda tile: tile.start_ms))


def tile_at(tiles: Sequence[Tile], time_ms: int) -> Tile:
    """The tile shown at a moment; before the first and after the last one, these."""
    at = bisect_right(tiles, time_ms, key=lambda tile: tile.start_ms)
    return tiles[max(0, at - 1)]


def place_storyboard(vtt: str, grant: Grant) -> str:
    """The index with its sheets where the grant opens them."""

    def place(tile: re.Match[str]) -> str:
        sheet = tile["sheet"]
        return grant.url(sheet) + tile[0].removeprefix(sheet)

    return _TILE.sub(place, vtt)


def _milliseconds(clock: str) -> int:
    """A WebVTT time stamp, `hh:mm:ss.ttt` or `mm:ss.ttt`."""
    whole, _, fraction = clock.partition(".")
    seconds = 0
    for part in whole.split(":"):
        seconds = seconds * 60 + int(part or 0)
    return seconds * 1000 + int(fraction.ljust(3, "0")[:3] or 0)
