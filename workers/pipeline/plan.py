"""Lays out the work on one video as data, before any of it is done."""

from bisect import bisect_right
from fractions import Fraction
from typing import Literal

import msgspec

from workers.pipeline.ladder import Ladder, Profile
from workers.pipeline.media import Probe

StepKind = Literal["encode", "package", "images", "verify", "publish"]

# Seconds a step may take whatever the video, and per unit of work, on a slow and busy machine.
_FLOOR_S = 300
_ENCODE_S_PER_FULL_HD_S = 20.0
_HANDLING_S_PER_S = 0.5
_FULL_HD_RATE = 1920 * 1080 * 30


class Chunk(msgspec.Struct, frozen=True):
    """A stretch of the source that one worker encodes. For now a video is one chunk."""

    index: int
    start_ms: int
    end_ms: int


class Step(msgspec.Struct, frozen=True):
    """A task to be: `after` names the steps it waits for, `weight` is its share of the work."""

    name: str
    kind: StepKind
    after: tuple[str, ...]
    weight: float
    timeout_s: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the steps need to know besides the probe.

    `boundaries_ms` are the times segments start at, the first is 0; `uniform` says that they are
    multiples of `segment_ms`, else they are keyframes of the source.
    """

    duration_ms: int
    segment_ms: int
    preset: str
    uniform: bool
    boundaries_ms: tuple[int, ...]
    chunks: tuple[Chunk, ...]
    ladder: Ladder
    steps: tuple[Step, ...]


def plan_rate(plan: Plan) -> Fraction:
    """Frames per second of what is made."""
    rate = plan.ladder.frame_rate
    return rate.fraction if rate else Fraction(25)


def plan_work(probe: Probe, ladder: Ladder, profile: Profile) -> Plan:
    """Decide where segments start, and what is done in which order."""
    copied = any(rung.copied for rung in ladder.rungs)
    if copied and probe.video is not None:
        boundaries = on_keyframes(
            probe.video.keyframe_times_ms, probe.duration_ms, profile.segment_ms
        )
    else:
        boundaries = evenly(probe.duration_ms, profile.segment_ms)
    return Plan(
        duration_ms=probe.duration_ms,
        segment_ms=profile.segment_ms,
        preset=profile.preset,
        uniform=not copied,
        boundaries_ms=boundaries,
        chunks=(Chunk(0, 0, probe.duration_ms),),
        ladder=ladder,
        steps=_steps(probe, ladder),
    )


def evenly(duration_ms: int, segment_ms: int) -> tuple[int, ...]:
    """Multiples of the segment's length; a last segment is at least a tenth of it."""
    last = max(0, duration_ms - segment_ms // 10)
    return tuple(range(0, last + 1, segment_ms)) if duration_ms > segment_ms else (0,)


def on_keyframes(
    keyframes_ms: tuple[int, ...], duration_ms: int, segment_ms: int
) -> tuple[int, ...]:
    """Of the source's keyframes those that make segments come closest to their length.

    Takes the last keyframe within five quarters of the length, or the next when there is none:
    a GOP of 2.002 seconds should give segments of 4.004, not of 2.002.
    """
    chosen = [0]
    longest = segment_ms * 5 // 4
    while True:
        start = chosen[-1]
        index = bisect_right(keyframes_ms, start + longest)
        if index and keyframes_ms[index - 1] > start:
            index -= 1
        done = duration_ms - start <= longest or index >= len(keyframes_ms)
        if done or keyframes_ms[index] >= duration_ms:
            return tuple(chosen)
        chosen.append(keyframes_ms[index])


def _steps(probe: Probe, ladder: Ladder) -> tuple[Step, ...]:
    seconds = probe.duration_ms / 1000
    rate = float(ladder.frame_rate) if ladder.frame_rate else 0.0
    pixels = sum(r.width * r.height for r in ladder.rungs if not r.copied) * rate
    if probe.video is not None:
        pixels += probe.video.coded_width * probe.video.coded_height * rate / 4  # decoding
    encode = max(0.05, pixels / _FULL_HD_RATE) * seconds
    handling = int(_FLOOR_S + seconds * _HANDLING_S_PER_S)
    light = seconds * 0.01 + 0.2
    return (
        Step("encode", "encode", (), encode, int(_FLOOR_S + encode * _ENCODE_S_PER_FULL_HD_S)),
        Step("package", "package", ("encode",), light, handling),
        Step("images", "images", ("encode",), light, handling),
        Step("verify", "verify", ("package",), light, handling),
        Step("publish", "publish", ("verify", "images"), 0.1, _FLOOR_S),
    )
