"""Reads a file by PyAV: containers, tracks, time stamps, and one picture to prove it decodes."""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from workers.pipeline import codecs
from workers.pipeline.errors import BadInput
from workers.pipeline.limits import Limits
from workers.pipeline.media import AudioTrack, Note, Probe, Rational, VideoTrack
from workers.pipeline.notes import describe
from workers.pipeline.scan import PacketTimes, read_cadence, settle_rate
from workers.pipeline.sniff import Sniffed

_SECOND = 1_000_000  # AV_TIME_BASE
_TRUNCATED_SHARE = 0.005
_PACKETS_TO_FIRST_PICTURE = 300
_HDR_TRANSFERS = {16, 18}  # SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), ITU-T H.273 table 3
_EXPORT = "Export it as MP4 (H.264, AAC) and upload that."


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
            "undecodable", f"The file is damaged and cannot be read ({error.strerror}). {_EXPORT}"
        ) from error


def _read(container: InputContainer, size: int, sniffed: Sniffed, limits: Limits) -> Probe:
    if len(container.streams) > limits.max_streams:
        raise BadInput("too_many_streams", f"The file has {len(container.streams)} tracks.")
    stream = next((s for s in container.streams.video if not _is_cover(s)), None)
    sounds = [s for s in container.streams.audio if _has_decoder(s) and s.duration != 0]
    start = Fraction(container.start_time or 0, _SECOND)
    duration = Fraction(container.duration or 0, _SECOND)
    _check_duration(duration, limits)
    video: VideoTrack | None = None
    if stream is not None:
        video, end = _read_video(container, stream, start, limits)
        duration = duration or end
        _check_duration(duration, limits)
    audio = tuple(
        _read_audio(s, start, duration) for s in sounds if codecs.is_accepted_audio(_codec(s))
    )
    if video is None and not audio:
        if sounds:
            raise BadInput(
                "unsupported_codec",
                f"The sound is {_codec(sounds[0])}, which is not accepted. {_EXPORT}",
            )
        raise BadInput("no_streams", "The file holds neither picture nor sound.")
    if video is None:
        _decode_sound(container, next(s for s in sounds if s.index == audio[0].index))
    if duration <= 0:
        raise BadInput("undecodable", f"The file does not tell how long it is. {_EXPORT}")
    dropped = [_codec(s) for s in sounds if s.index not in {t.index for t in audio}]
    notes = describe(video, audio, duration_ms=_ms(duration), dropped_audio=dropped)
    if sniffed.missing > 0:
        notes = (*notes, Note("truncated", "A few bytes are missing at the end of the file."))
    return Probe(
        demuxer=sniffed.demuxer,
        container=container.format.name,
        duration_ms=max(1, _ms(duration)),
        size_bytes=size,
        bit_rate=container.bit_rate or int(size * 8 / duration),
        video=video,
        audio=audio,
        notes=notes,
    )


def _has_decoder(stream: VideoStream | AudioStream) -> bool:
    # PyAV's stubs promise a context, which is None for a codec that FFmpeg does not know.
    context: object = stream.codec_context
    return context is not None


def _codec(stream: VideoStream | AudioStream) -> str:
    # Not the decoder's name: MP3 is decoded by mp3float, AV1 by libdav1d.
    return stream.codec_context.codec.canonical_name


def _is_cover(stream: VideoStream) -> bool:
    pictures = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    return bool(stream.disposition & pictures)


def _ms(seconds: Fraction) -> int:
    return int(seconds * 1000)


def _check_duration(duration: Fraction, limits: Limits) -> None:
    if duration > limits.max_duration_s:
        raise BadInput(
            "too_long",
            f"The file claims to last {float(duration) / 3600:.1f} hours; at most "
            f"{limits.max_duration_s / 3600:.0f} are accepted. Cut it into parts.",
        )


def _check_picture(width: int, height: int, limits: Limits) -> None:
    if width <= 0 or height <= 0:
        raise BadInput("undecodable", f"The picture has no size. {_EXPORT}")
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise BadInput(
            "too_many_pixels",
            f"The picture claims to be {width} x {height} pixels, more than can be played. "
            "Export it in 4K or smaller.",
        )


def _read_video(
    container: InputContainer, stream: VideoStream, start: Fraction, limits: Limits
) -> tuple[VideoTrack, Fraction]:
    if not _has_decoder(stream):
        raise BadInput("unsupported_codec", f"The picture's codec is unknown. {_EXPORT}")
    context = stream.codec_context
    if _codec(stream) not in codecs.VIDEO:
        raise BadInput(
            "unsupported_codec",
            f"The picture is {_codec(stream)}, which is not accepted. {_EXPORT}",
        )
    _check_picture(context.width, context.height, limits)
    # One thread: the prober shows that a picture decodes, it need not be quick about it.
    context.thread_count = 1
    context.options = {"max_pixels": str(limits.max_pixels)}
    reader = _Reader(container, stream, limits)
    base = stream.time_base or Fraction(1, 90_000)
    cadence = read_cadence(reader.packets(), base)
    frame = reader.picture
    if frame is None or cadence is None:
        raise BadInput("undecodable", f"No picture of the video can be decoded. {_EXPORT}")
    _check_picture(frame.width, frame.height, limits)
    gap = cadence.longest_gap * base
    if gap > limits.max_frame_gap_s:
        raise BadInput(
            "too_sparse",
            f"The video shows one picture for {float(gap) / 60:.0f} minutes. "
            "Export it with an ordinary frame rate.",
        )
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 20) <= aspect <= 20:
        aspect = Fraction(1)
    rotation = -frame.rotation % 360
    shown = round(frame.width * aspect), frame.height
    track = VideoTrack(
        index=stream.index,
        codec=_codec(stream),
        profile=context.profile,
        pix_fmt=frame.format.name,
        coded_width=frame.width,
        coded_height=frame.height,
        width=shown[1] if rotation in {90, 270} else shown[0],
        height=shown[0] if rotation in {90, 270} else shown[1],
        rotation=rotation,
        sample_aspect_ratio=Rational.of(aspect),
        frame_rate=Rational.of(
            settle_rate(cadence, base, base_rate=stream.base_rate, average_rate=stream.average_rate)
        ),
        base_rate=Rational.of(stream.base_rate or stream.average_rate or Fraction(25)),
        variable_frame_rate=cadence.variable,
        interlaced=frame.interlaced_frame,
        color_transfer=int(context.color_trc),
        hdr=int(context.color_trc) in _HDR_TRANSFERS,
        bit_rate=_bit_rate(stream, container, reader),
        frame_count=cadence.frame_count
        if reader.complete
        else max(stream.frames, cadence.frame_count),
        start_ms=_ms(cadence.first * base - start),
        has_b_frames=cadence.has_b_frames,
        closed_gop=cadence.closed_gop,
        keyframe_times_ms=tuple(_ms(t * base - start) for t in cadence.keyframes),
        keyframes_complete=reader.complete and not cadence.keyframes_capped,
    )
    return track, cadence.end * base - start


def _bit_rate(stream: VideoStream, container: InputContainer, reader: "_Reader") -> int:
    if reader.complete and container.duration:
        return int(reader.bytes_read * 8 * _SECOND / container.duration)
    return stream.bit_rate or container.bit_rate or 0


class _Reader:
    """Reads one track's packets, and decodes until there is one picture.

    Stops early in a huge file: `complete` tells.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, limits: Limits) -> None:
        self._container = container
        self._stream = stream
        self._deadline = time.monotonic() + limits.scan_seconds
        self.picture: VideoFrame | None = None
        self.complete = True
        self.bytes_read = 0

    def packets(self) -> Iterator[PacketTimes]:
        for other in self._container.streams:
            if other.index != self._stream.index:
                other.discard = Discard.all
        for number, packet in enumerate(self._container.demux(self._stream)):
            if self.picture is None and number < _PACKETS_TO_FIRST_PICTURE:
                self.picture = self._decode(packet)
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None:
                continue
            self.bytes_read += packet.size
            if packet.is_discard:
                continue
            yield PacketTimes(pts, packet.duration or 0, packet.is_keyframe)
            if number % 1000 == 999 and time.monotonic() > self._deadline:
                self.complete = False
                return

    def _decode(self, packet: "av.Packet[VideoStream]") -> VideoFrame | None:
        try:
            return next(iter(packet.decode()), None)
        except (av.error.InvalidDataError, av.error.EOFError):
            return None  # real recordings begin with damaged pictures; the next may be whole


def _read_audio(stream: AudioStream, start: Fraction, duration: Fraction) -> AudioTrack:
    context = stream.codec_context
    base = stream.time_base or Fraction(1, 48_000)
    lasts = stream.duration * base if stream.duration else duration
    return AudioTrack(
        index=stream.index,
        codec=_codec(stream),
        profile=context.profile,
        channels=context.channels,
        sample_rate=context.sample_rate,
        bit_rate=context.bit_rate or 0,
        language=stream.language,
        default=bool(stream.disposition & Disposition.default),
        start_ms=_ms(stream.start_time * base - start) if stream.start_time is not None else 0,
        duration_ms=_ms(lasts),
    )


def _decode_sound(container: InputContainer, stream: AudioStream) -> None:
    for number, packet in enumerate(container.demux(stream)):
        try:
            if packet.decode():
                return
        except av.error.InvalidDataError:
            pass  # a damaged first packet; the next may be whole
        if number > _PACKETS_TO_FIRST_PICTURE:
            break
    raise BadInput("undecodable", f"The sound cannot be decoded. {_EXPORT}")
