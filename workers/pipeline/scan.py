"""What the time stamps of a video track tell, without decoding it."""

import itertools
import statistics
from collections.abc import Iterable
from fractions import Fraction

import msgspec

_MAX_KEYFRAMES = 20_000
_COPIED_TICK = Fraction(1, 1000)  # Matroska and FLV round times to milliseconds


class PacketTimes(msgspec.Struct, frozen=True):
    """One packet in the order of the file; `pts` and `duration` in the track's time base."""

    pts: int
    duration: int
    is_keyframe: bool


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in the track's time base."""

    frame_count: int
    first: int
    end: int
    longest_gap: int
    mean_delta: Fraction | None
    typical_delta: Fraction | None
    variable: bool
    closed_gop: bool
    has_b_frames: bool
    keyframes: tuple[int, ...]
    keyframes_capped: bool


def read_cadence(packets: Iterable[PacketTimes], time_base: Fraction) -> Cadence | None:
    """Sum up a track; None when it has no packet with a time stamp.

    A GOP is open when a picture that follows a keyframe in the file is shown before it: it needs
    pictures of the GOP before. The rate is variable when more than one delta in a hundred differs
    from the mean by more than the rounding of the container.
    """
    times: list[int] = []
    keyframes: list[int] = []
    closed, reordered = True, False
    latest_key: int | None = None
    previous: int | None = None
    last_duration = 0
    for packet in packets:
        if packet.is_keyframe:
            keyframes.append(packet.pts)
            latest_key = packet.pts
        elif latest_key is not None and packet.pts < latest_key:
            closed = False
        if previous is not None and packet.pts < previous:
            reordered = True
        previous = packet.pts
        times.append(packet.pts)
        last_duration = packet.duration
    if not times:
        return None
    times.sort()
    deltas = [b - a for a, b in itertools.pairwise(times)]
    mean = Fraction(times[-1] - times[0], len(deltas)) if deltas else None
    tail = last_duration or (round(mean) if mean else 0)
    return Cadence(
        frame_count=len(times),
        first=times[0],
        end=times[-1] + tail,
        longest_gap=max([*deltas, tail]),
        mean_delta=mean or None,
        typical_delta=Fraction(statistics.median(deltas)) if deltas else None,
        variable=_varies(deltas, time_base),
        closed_gop=closed,
        has_b_frames=reordered,
        keyframes=tuple(sorted(keyframes)[:_MAX_KEYFRAMES]),
        keyframes_capped=len(keyframes) > _MAX_KEYFRAMES,
    )


def _rounding(time_base: Fraction) -> Fraction:
    """How far a time stamp may lie off its frame, in units of the time base."""
    return max(Fraction(1), _COPIED_TICK / time_base * Fraction(11, 10))


def _varies(deltas: list[int], time_base: Fraction) -> bool:
    if len(deltas) < 2:
        return False
    tolerance = _rounding(time_base)
    typical = statistics.median(deltas)
    off = sum(1 for delta in deltas if abs(delta - typical) > tolerance)
    return off > len(deltas) / 100


def settle_rate(
    cadence: Cadence | None,
    time_base: Fraction,
    *,
    base_rate: Fraction | None,
    average_rate: Fraction | None,
) -> Fraction:
    """Frames per second.

    A constant rate is the container's base rate where the usual delta agrees with it: a lost
    frame or an odd first one lowers the mean. A variable rate is the mean.
    """
    named = [r for r in (base_rate, average_rate) if r and Fraction(1, 10) <= r <= 1000]
    if cadence is None or cadence.mean_delta is None or not cadence.typical_delta:
        return named[0] if named else Fraction(25)
    if not cadence.variable:
        for rate in named:
            if abs(1 / (rate * time_base) - cadence.typical_delta) <= _rounding(time_base):
                return rate
    measured = 1 / (cadence.mean_delta * time_base)
    return max(Fraction(1, 1001), measured.limit_denominator(1001))
