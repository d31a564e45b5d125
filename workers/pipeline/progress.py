"""Reads what FFmpeg says about its progress (`-progress pipe:1`)."""

import contextlib

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """`fraction` from 0 to 1, never falling; `speed` in seconds of video per second."""

    fraction: float
    speed: float | None
    eta_s: float | None
    frame: int
    out_time_ms: int


class ProgressReader:
    """Turns lines `key=value` into a `Progress` at the end of each block.

    Args:
        duration_ms: How long the result will be.
    """

    def __init__(self, duration_ms: int) -> None:
        self._duration_ms = max(1, duration_ms)
        self._block: dict[str, str] = {}
        self._reached_ms = 0

    def feed(self, line: str) -> Progress | None:
        """Take one line; answers when it was the last of a block."""
        key, _, value = line.partition("=")
        self._block[key.strip()] = value.strip()
        if key.strip() != "progress":
            return None
        block, self._block = self._block, {}
        # Of several outputs FFmpeg reports the one that is furthest, and "N/A" before the first.
        with contextlib.suppress(ValueError):
            reached = int(block.get("out_time_us", "")) // 1000
            self._reached_ms = max(self._reached_ms, reached)
        done = value.strip() == "end"
        fraction = 1.0 if done else min(0.999, self._reached_ms / self._duration_ms)
        speed = _number(block.get("speed", "").removesuffix("x"))
        left_s = (1 - fraction) * self._duration_ms / 1000
        return Progress(
            fraction=fraction,
            speed=speed,
            eta_s=left_s / speed if speed else None,
            frame=int(_number(block.get("frame", "")) or 0),
            out_time_ms=self._reached_ms,
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
