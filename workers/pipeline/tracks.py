"""Describes the tracks of an open file."""

from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from workers.pipeline import codecs
from workers.pipeline.errors import BadInput
from workers.pipeline.limits import Limits
from workers.pipeline.media import AudioTrack, Rational, VideoTrack
from workers.pipeline.packets import PacketReader
from workers.pipeline.scan import read_cadence, settle_rate

_SECOND = 1_000_000  # AV_TIME_BASE
_HDR_TRANSFERS = {16, 18}  # SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG), ITU-T H.273 table 3
EXPORT = "Export it as MP4 (H.264, AAC) and upload that."


def has_decoder(stream: VideoStream | AudioStream) -> bool:
    """Whether FFmpeg knows the codec of a track."""
    # PyAV's stubs promise a context, which is None for a codec that FFmpeg does not know.
    context: object = stream.codec_context
    return context is not None


def codec_name(stream: VideoStream | AudioStream) -> str:
    """The name of the codec, as in `codecs`."""
    # Not the decoder's name: MP3 is decoded by mp3float, AV1 by libdav1d.
    return stream.codec_context.codec.canonical_name


def is_cover(stream: VideoStream) -> bool:
    """Whether a track is a still picture that belongs to a song."""
    pictures = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    return bool(stream.disposition & pictures)


def to_ms(seconds: Fraction) -> int:
    """Whole milliseconds, rounded towards 0."""
    return int(seconds * 1000)


def _check_picture(width: int, height: int, limits: Limits) -> None:
    if width <= 0 or height <= 0:
        raise BadInput("undecodable", f"The picture has no size. {EXPORT}")
    if max(width, height) > limits.max_side or width * height > limits.max_pixels:
        raise BadInput(
            "too_many_pixels",
            f"The picture claims to be {width} x {height} pixels, more than can be played. "
            "Export it in 4K or smaller.",
        )


def check_video(stream: VideoStream, limits: Limits) -> None:
    """Look at a picture's header before any of it is decoded.

    Raises:
        BadInput: It is too large or in a codec that is not accepted.
    """
    if not has_decoder(stream):
        raise BadInput("unsupported_codec", f"The picture's codec is unknown. {EXPORT}")
    context = stream.codec_context
    if codec_name(stream) not in codecs.VIDEO:
        raise BadInput(
            "unsupported_codec",
            f"The picture is {codec_name(stream)}, which is not accepted. {EXPORT}",
        )
    _check_picture(context.width, context.height, limits)


def read_video(
    container: InputContainer,
    stream: VideoStream,
    reader: PacketReader,
    start: Fraction,
    limits: Limits,
) -> VideoTrack:
    """Read a whole track, and describe it.

    Raises:
        BadInput: No picture of it can be decoded, or it is absurd.
    """
    context = stream.codec_context
    # One thread: the prober shows that a picture decodes, it need not be quick about it.
    context.thread_count = 1
    context.options = {"max_pixels": str(limits.max_pixels)}
    base = stream.time_base or Fraction(1, 90_000)
    cadence = read_cadence(reader.packets(), base)
    frame = reader.picture
    if frame is None or cadence is None:
        raise BadInput("undecodable", f"No picture of the video can be decoded. {EXPORT}")
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
    return VideoTrack(
        index=stream.index,
        codec=codec_name(stream),
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
        start_ms=to_ms(cadence.first * base - start),
        has_b_frames=cadence.has_b_frames,
        closed_gop=cadence.closed_gop,
        keyframe_times_ms=tuple(to_ms(t * base - start) for t in cadence.keyframes),
        keyframes_complete=reader.complete and not cadence.keyframes_capped,
    )


def _bit_rate(stream: VideoStream, container: InputContainer, reader: PacketReader) -> int:
    if reader.complete and container.duration:
        return int(reader.bytes_read * 8 * _SECOND / container.duration)
    return stream.bit_rate or container.bit_rate or 0


def read_audio(stream: AudioStream, start: Fraction, duration: Fraction) -> AudioTrack:
    """Describe a track of sound from its header."""
    context = stream.codec_context
    base = stream.time_base or Fraction(1, 48_000)
    lasts = stream.duration * base if stream.duration else duration
    return AudioTrack(
        index=stream.index,
        codec=codec_name(stream),
        profile=context.profile,
        channels=context.channels,
        sample_rate=context.sample_rate,
        bit_rate=context.bit_rate or 0,
        language=stream.language,
        default=bool(stream.disposition & Disposition.default),
        start_ms=to_ms(stream.start_time * base - start) if stream.start_time is not None else 0,
        duration_ms=to_ms(lasts),
    )
