"""What is known of a media file: plain data that goes into task rows as JSON."""

from fractions import Fraction

import msgspec


class Rational(msgspec.Struct, frozen=True):
    """An exact ratio, since 30000/1001 has no decimal."""

    num: int
    den: int = 1

    @classmethod
    def of(cls, value: Fraction | int) -> "Rational":
        fraction = Fraction(value)
        return cls(fraction.numerator, fraction.denominator)

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    def __float__(self) -> float:
        return self.num / self.den


class Note(msgspec.Struct, frozen=True):
    """Something unusual about the input that was coped with."""

    code: str
    message: str


class VideoTrack(msgspec.Struct, frozen=True, kw_only=True):
    """The picture.

    `width` and `height` are what a viewer sees: square pixels, after rotation. `coded_width` and
    `coded_height` are what the codec stores. `rotation` is clockwise, in degrees. Times are in
    milliseconds on the file's own clock, less the file's start.
    """

    index: int
    codec: str
    profile: str | None
    pix_fmt: str
    coded_width: int
    coded_height: int
    width: int
    height: int
    rotation: int
    sample_aspect_ratio: Rational
    frame_rate: Rational
    base_rate: Rational
    variable_frame_rate: bool
    interlaced: bool
    color_transfer: int
    hdr: bool
    bit_rate: int
    frame_count: int
    start_ms: int
    has_b_frames: bool
    closed_gop: bool
    keyframe_times_ms: tuple[int, ...]
    keyframes_complete: bool


class AudioTrack(msgspec.Struct, frozen=True, kw_only=True):
    """One track of sound. `start_ms` is relative to the file's start."""

    index: int
    codec: str
    profile: str | None
    channels: int
    sample_rate: int
    bit_rate: int
    language: str | None
    default: bool
    start_ms: int
    duration_ms: int


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What the prober found. `demuxer` is the name FFmpeg is forced to read the file with."""

    demuxer: str
    container: str
    duration_ms: int
    size_bytes: int
    bit_rate: int
    video: VideoTrack | None
    audio: tuple[AudioTrack, ...]
    notes: tuple[Note, ...]

    @property
    def main_audio(self) -> AudioTrack | None:
        """The track that is heard: the one marked as default, else the first."""
        return next((t for t in self.audio if t.default), self.audio[0] if self.audio else None)
