"""Decides which renditions a video gets. Pure: the same probe and profile give the same ladder."""

from fractions import Fraction
from itertools import pairwise

import msgspec

from workers.pipeline.media import AudioTrack, Probe, Rational, VideoTrack

_MAX_LONG_SIDE = 4096  # of what is made: what decoders of H.264 level 5.1 take
_MAX_RATE = 60
_NEAR = Fraction(9, 10)  # a rung this close below the source's own size adds nothing
_COPY_CONTAINERS = {"mov", "matroska", "flv"}
_COPY_PROFILES = {"Baseline", "Constrained Baseline", "Main", "High"}


class RungProfile(msgspec.Struct, frozen=True):
    """What a rung of a certain height should look like. Bits per second, over one second."""

    height: int
    crf: int
    max_bit_rate: int


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A ladder as data. `height` is the short side, so that portrait gets the same rungs."""

    name: str = "default"
    rungs: tuple[RungProfile, ...] = (
        RungProfile(1080, 22, 5_000_000),
        RungProfile(720, 22, 2_800_000),
        RungProfile(480, 23, 1_400_000),
        RungProfile(360, 23, 800_000),
        RungProfile(240, 24, 400_000),
    )
    preset: str = "veryfast"
    segment_ms: int = 4_000
    audio_bit_rate: int = 128_000
    audio_copy_bit_rate: int = 260_000
    max_frame_rate: int = _MAX_RATE
    # What a source may exceed a rung's rate by and still be passed on as it is.
    copy_tolerance: float = 1.5


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition of the picture. `name` is its folder."""

    name: str
    width: int
    height: int
    crf: int
    max_bit_rate: int
    copied: bool = False


class AudioRung(msgspec.Struct, frozen=True, kw_only=True):
    """The one rendition of the sound, from the source's track `index`."""

    index: int
    channels: int
    sample_rate: int
    bit_rate: int
    language: str | None
    name: str = "audio"
    copied: bool = False


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """All renditions, the largest picture first. `frame_rate` is that of what is made."""

    rungs: tuple[Rung, ...]
    audio: AudioRung | None
    frame_rate: Rational | None


def plan_ladder(probe: Probe, profile: Profile) -> Ladder:
    """Choose the renditions: never larger than the source, even, with square pixels.

    The top rung is the source's own size when that lies below the profile's largest rung.
    A source that already is what the top rung would be is passed on without encoding.
    """
    video = probe.video
    audio = None if (track := probe.main_audio) is None else _audio_rung(probe, track, profile)
    if video is None:
        return Ladder(rungs=(), audio=audio, frame_rate=None)
    rungs = _rungs(video, profile)
    if _may_copy(probe, video, rungs[0], profile):
        rungs = (msgspec.structs.replace(rungs[0], copied=True), *rungs[1:])
    rate = min(video.frame_rate.fraction, Fraction(profile.max_frame_rate))
    return Ladder(rungs=rungs, audio=audio, frame_rate=Rational.of(rate))


def _nearest_even(side: int, scale: Fraction) -> int:
    return max(2, min(side // 2 * 2, round(side * scale / 2) * 2))


def _rungs(video: VideoTrack, profile: Profile) -> tuple[Rung, ...]:
    wanted = sorted(profile.rungs, key=lambda rung: -rung.height)
    long, short = max(video.width, video.height), min(video.width, video.height)
    fitted = min(short, int(short * Fraction(_MAX_LONG_SIDE, max(long, _MAX_LONG_SIDE))))
    own = min(fitted, wanted[0].height)
    chosen = [rung for rung in wanted if rung.height <= own * _NEAR or rung.height == own]
    if not chosen or chosen[0].height != own:
        chosen.insert(0, _between(own, wanted))
    rungs: dict[str, Rung] = {}
    for rung in chosen:
        width, height = _size(video, rung.height)
        name = f"{min(width, height)}p"
        rungs.setdefault(
            name,
            Rung(
                name=name, width=width, height=height, crf=rung.crf, max_bit_rate=rung.max_bit_rate
            ),
        )
    return tuple(rungs.values())


def _size(video: VideoTrack, short: int) -> tuple[int, int]:
    scale = min(Fraction(1), Fraction(short, min(video.width, video.height)))
    return _nearest_even(video.width, scale), _nearest_even(video.height, scale)


def _between(height: int, rungs: list[RungProfile]) -> RungProfile:
    """A rung for a height the profile does not name: its rate scales with the pixels.

    It never has less than a smaller rung of the profile, whose rates fall more slowly than areas.
    """
    above = min((r for r in rungs if r.height >= height), key=lambda r: r.height)
    below = max((r.max_bit_rate for r in rungs if r.height < height), default=100_000)
    share = Fraction(max(height, 2), above.height) ** 2
    return RungProfile(height, above.crf, max(below, int(above.max_bit_rate * share)))


def _may_copy(probe: Probe, video: VideoTrack, top: Rung, profile: Profile) -> bool:
    keys = video.keyframe_times_ms
    gaps = [b - a for a, b in pairwise((*keys, probe.duration_ms))]
    return (
        video.codec == "h264"
        and video.profile in _COPY_PROFILES
        and video.pix_fmt == "yuv420p"
        and probe.demuxer in _COPY_CONTAINERS
        and (video.coded_width, video.coded_height) == (top.width, top.height)
        and video.rotation == 0
        and video.sample_aspect_ratio.fraction == 1
        and not (video.interlaced or video.variable_frame_rate or video.hdr)
        and video.frame_rate.fraction <= profile.max_frame_rate
        and video.closed_gop
        and video.keyframes_complete
        and bool(keys)
        and keys[0] == 0
        and max(gaps) <= 2 * profile.segment_ms
        and video.bit_rate <= top.max_bit_rate * profile.copy_tolerance
    )


def _audio_rung(probe: Probe, track: AudioTrack, profile: Profile) -> AudioRung:
    channels = max(1, min(2, track.channels))
    # A track that starts late needs silence before it, and only an encoder can make that.
    copied = (
        track.codec == "aac"
        and track.profile == "LC"
        and track.channels in {1, 2}
        and track.sample_rate in {44_100, 48_000}
        and 0 < track.bit_rate <= profile.audio_copy_bit_rate
        and probe.demuxer == "mov"  # others round times to milliseconds, which sound must not
        and abs(track.start_ms) <= 25
    )
    return AudioRung(
        index=track.index,
        channels=channels,
        sample_rate=44_100 if track.sample_rate in {11_025, 22_050, 44_100} else 48_000,
        bit_rate=track.bit_rate if copied else profile.audio_bit_rate * channels // 2,
        language=track.language,
        copied=copied,
    )
