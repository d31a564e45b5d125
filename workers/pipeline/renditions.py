"""What is known of each rendition once it is cut into segments."""

from typing import Literal

import msgspec

from workers.pipeline.ladder import AudioRung, Rung
from workers.pipeline.media import Rational
from workers.pipeline.segments import SlicedTrack


class Rendition(msgspec.Struct, frozen=True, kw_only=True):
    """Facts for players and for the catalogue. `name` is its folder; rates in bits per second."""

    name: str
    kind: Literal["video", "audio"]
    codecs: str
    bandwidth: int
    average_bandwidth: int
    segment_count: int
    duration_ms: int
    size_bytes: int
    copied: bool
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    channels: int | None = None
    sample_rate: int | None = None
    language: str | None = None


def of_picture(rung: Rung, rate: Rational | None, track: SlicedTrack) -> Rendition:
    """The facts of a rung of the ladder."""
    return Rendition(
        name=rung.name,
        kind="video",
        width=track.header.width,
        height=track.header.height,
        frame_rate=round(float(rate), 3) if rate else None,
        copied=rung.copied,
        codecs=track.header.codecs,
        bandwidth=track.peak_bit_rate(),
        average_bandwidth=track.average_bit_rate(),
        segment_count=len(track.segments),
        duration_ms=round(track.duration * 1000 / track.header.timescale),
        size_bytes=track.size,
    )


def of_sound(rung: AudioRung, track: SlicedTrack) -> Rendition:
    """The facts of the sound."""
    return Rendition(
        name=rung.name,
        kind="audio",
        channels=rung.channels,
        sample_rate=rung.sample_rate,
        language=rung.language if rung.language not in {None, "und"} else None,
        copied=rung.copied,
        codecs=track.header.codecs,
        bandwidth=track.peak_bit_rate(),
        average_bandwidth=track.average_bit_rate(),
        segment_count=len(track.segments),
        duration_ms=round(track.duration * 1000 / track.header.timescale),
        size_bytes=track.size,
    )
