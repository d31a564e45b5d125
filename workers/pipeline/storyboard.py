"""Lays out storyboards: sheets of small pictures and a WebVTT index of them."""

from collections.abc import Sequence

import msgspec
from PIL import Image

COLUMNS = 10
TILES_PER_SHEET = 100
TILE_SIDE = 160
_MOST_TILES = 300
_EVERY_FRAME_MS = 20_000
_SHORT_INTERVAL_MS = 1_000


class Storyboard(msgspec.Struct, frozen=True):
    """How often a picture is taken, and whether keyframes are enough."""

    interval_ms: int
    keyframes_only: bool
    tile: tuple[int, int]

    def count(self, duration_ms: int) -> int:
        """How many pictures a video has."""
        return max(1, -(-duration_ms // self.interval_ms))


def plan_storyboard(duration_ms: int, segment_ms: int, width: int, height: int) -> Storyboard:
    """One picture a second for a short video, else one per so many segments.

    Each segment starts with a keyframe, so that a long video is not decoded for its storyboard.
    """
    scale = min(1.0, TILE_SIDE / max(width, height))
    tile = max(1, round(width * scale)), max(1, round(height * scale))
    if duration_ms <= _EVERY_FRAME_MS:
        return Storyboard(_SHORT_INTERVAL_MS, keyframes_only=False, tile=tile)
    segments = -(-duration_ms // segment_ms)
    return Storyboard(segment_ms * -(-segments // _MOST_TILES), keyframes_only=True, tile=tile)


def sheet_name(number: int) -> str:
    """The file of a sheet, counted from 0."""
    return f"storyboard-{number}.jpg"


def draw_sheets(tiles: Sequence[Image.Image]) -> list[Image.Image]:
    """Put pictures of one size on sheets of ten columns."""
    sheets = []
    for first in range(0, len(tiles), TILES_PER_SHEET):
        batch = tiles[first : first + TILES_PER_SHEET]
        width, height = batch[0].size
        rows = -(-len(batch) // COLUMNS)
        sheet = Image.new("RGB", (width * min(len(batch), COLUMNS), height * rows))
        for index, tile in enumerate(batch):
            sheet.paste(tile, (index % COLUMNS * width, index // COLUMNS * height))
        sheets.append(sheet)
    return sheets


def write_index(board: Storyboard, tiles: int, duration_ms: int) -> str:
    """The WebVTT file: each cue names a sheet and a rectangle (W3C Media Fragments, 4.2.2)."""
    width, height = board.tile
    cues = ["WEBVTT", ""]
    for index in range(tiles):
        start = index * board.interval_ms
        end = duration_ms if index == tiles - 1 else start + board.interval_ms
        sheet, place = divmod(index, TILES_PER_SHEET)
        x, y = place % COLUMNS * width, place // COLUMNS * height
        cues += [
            f"{_clock(start)} --> {_clock(max(end, start + 1))}",
            f"{sheet_name(sheet)}#xywh={x},{y},{width},{height}",
            "",
        ]
    return "\n".join(cues)


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
