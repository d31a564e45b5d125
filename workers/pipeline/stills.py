"""Plans stills: pictures of a decent size, evenly spaced, that thumbnails are scaled from."""

from collections.abc import Sequence

import msgspec

from workers.pipeline.ladder import Rung
from workers.pipeline.storyboard import Storyboard

LONG_SIDE = 640
MOST_STILLS = 100
_SHORT_SIDE = 360


class Stills(msgspec.Struct, frozen=True):
    """How often a still is taken, and its width and height."""

    interval_ms: int
    size: tuple[int, int]

    def count(self, duration_ms: int) -> int:
        """How many stills a video has."""
        return max(1, -(-duration_ms // self.interval_ms))


def still_rung(rungs: Sequence[Rung]) -> Rung:
    """The smallest rendition that is no smaller than a still should be, else the largest.

    Args:
        rungs: At least one, the largest first.
    """
    large_enough = [rung for rung in rungs if min(rung.width, rung.height) >= _SHORT_SIDE]
    return large_enough[-1] if large_enough else rungs[0]


def plan_stills(board: Storyboard, rung: Rung, duration_ms: int) -> Stills:
    """A still for each picture of the storyboard, or for each second, third, ... of many.

    What is true of the storyboard's pictures, that keyframes are enough, is true of each of them.
    """
    step = -(-board.count(duration_ms) // MOST_STILLS)
    return Stills(board.interval_ms * step, _fit(rung.width, rung.height))


def still_name(time_ms: int) -> str:
    """The file of the still shown at a time; names sort as times do."""
    return f"thumbnail-{time_ms:08d}.jpg"


def _fit(width: int, height: int) -> tuple[int, int]:
    """At most `LONG_SIDE` pixels; even where it is made smaller, as colour is stored by pairs."""
    longer = max(width, height)
    if longer <= LONG_SIDE:
        return width, height
    return _even(width * LONG_SIDE / longer), _even(height * LONG_SIDE / longer)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)
