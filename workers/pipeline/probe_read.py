"""Reads a file by PyAV: its container, its tracks, and whether it is all there."""

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from workers.pipeline import codecs
from workers.pipeline.errors import BadInput
from workers.pipeline.limits import Limits
from workers.pipeline.media import Note, Probe, VideoTrack
from workers.pipeline.notes import describe
from workers.pipeline.packets import PacketReader
from workers.pipeline.sniff import Sniffed
from workers.pipeline.tracks import (
    EXPORT,
    check_video,
    codec_name,
    has_decoder,
    is_cover,
    read_audio,
    read_video,
    to_ms,
)

_SECOND = 1_000_000  # AV_TIME_BASE
_TRUNCATED_SHARE = 0.005
# Seconds and share of its declared length that a file may lack before it counts as cut off.
_SHORTER_S = Fraction(1)
_NOTED_S = Fraction(1, 4)
_SHORTER_SHARE = Fraction(1, 10)


def read_media(path: Path, sniffed: Sniffed, limits: Limits) -> Probe:
    """Read what a file holds.

    Raises:
        BadInput: It cannot become a stream.
    """
    if sniffed.missing > _TRUNCATED_SHARE:
        raise BadInput(
            "truncated",
            f"The last {sniffed.missing:.0%} of the file are missing. "
            "The upload or the recording broke off; upload it again.",
        )
    try:
        with av.open(
            str(path.absolute()),
            format=sniffed.demuxer,
            options={
                "protocol_whitelist": "file",
                "format_whitelist": sniffed.demuxer,
                "codec_whitelist": codecs.DECODERS,
            },
            metadata_errors="replace",
        ) as container:
            return _read(container, path.stat().st_size, sniffed, limits)
    except av.error.FFmpegError as error:
        raise BadInput(
            "undecodable", f"The file is damaged and cannot be read ({error.strerror}). {EXPORT}"
        ) from error


def _read(container: InputContainer, size: int, sniffed: Sniffed, limits: Limits) -> Probe:
    if len(container.streams) > limits.max_streams:
        raise BadInput("too_many_streams", f"The file has {len(container.streams)} tracks.")
    start = Fraction(container.start_time or 0, _SECOND)
    declared = Fraction(container.duration or 0, _SECOND)
    _check_duration(declared, limits)
    picture = next((s for s in container.streams.video if not is_cover(s)), None)
    sounds = [s for s in container.streams.audio if has_decoder(s) and s.duration != 0]
    accepted = [s for s in sounds if codecs.is_accepted_audio(codec_name(s))]
    if picture is not None:
        check_video(picture, limits)
    main = picture if picture is not None else next(iter(accepted), None)
    if main is None:
        raise _nothing_to_play(sounds)
    # An MP4's index tells where sound ends; of others all is read to see whether all is there.
    beside = [s for s in accepted if s is not main] if sniffed.demuxer != "mov" else []
    reader = PacketReader(container, main, beside=beside, seconds=limits.scan_seconds)
    video: VideoTrack | None = None
    if picture is not None:
        video = read_video(container, picture, reader, start, limits)
    else:
        deque(reader.packets(), maxlen=0)
        if not reader.heard:
            raise BadInput("undecodable", f"The sound cannot be decoded. {EXPORT}")
    duration = _settle_duration(declared, reader, start, sniffed)
    _check_duration(duration, limits)
    audio = tuple(read_audio(s, start, duration) for s in accepted)
    dropped = [codec_name(s) for s in sounds if s.index not in {t.index for t in audio}]
    notes = describe(video, audio, duration_ms=to_ms(duration), dropped_audio=dropped)
    if sniffed.missing > 0 or declared - duration > _NOTED_S:
        notes = (*notes, Note("truncated", "A little is missing at the end of the file."))
    return Probe(
        demuxer=sniffed.demuxer,
        container=container.format.name,
        duration_ms=max(1, to_ms(duration)),
        size_bytes=size,
        bit_rate=container.bit_rate or int(size * 8 / duration),
        video=video,
        audio=audio,
        notes=notes,
    )


def _nothing_to_play(sounds: Sequence[AudioStream]) -> BadInput:
    if not sounds:
        return BadInput("no_streams", "The file holds neither picture nor sound.")
    return BadInput(
        "unsupported_codec",
        f"The sound is {codec_name(sounds[0])}, which is not accepted. {EXPORT}",
    )


def _settle_duration(
    declared: Fraction, reader: PacketReader, start: Fraction, sniffed: Sniffed
) -> Fraction:
    """How long the file lasts: what was found where it says nothing or says too much."""
    found = reader.end - start
    if declared <= 0:
        if found <= 0:
            raise BadInput("undecodable", f"The file does not tell how long it is. {EXPORT}")
        return found
    # The reader saw all tracks to their ends, unless the file is an MP4 or huge.
    if sniffed.demuxer == "mov" or not reader.complete or found >= declared or found <= 0:
        return declared
    if declared - found > max(_SHORTER_S, declared * _SHORTER_SHARE):
        raise BadInput(
            "truncated",
            f"The file says that it lasts {float(declared):.1f} seconds, but ends after "
            f"{float(found):.1f}. The upload or the recording broke off; upload it again.",
        )
    return found


def _check_duration(duration: Fraction, limits: Limits) -> None:
    if duration > limits.max_duration_s:
        raise BadInput(
            "too_long",
            f"The file claims to last {float(duration) / 3600:.1f} hours; at most "
            f"{limits.max_duration_s / 3600:.0f} are accepted. Cut it into parts.",
        )
