"""What is unusual about an input, in words for the person who sent it (IN-7)."""

from collections.abc import Iterator, Sequence

from workers.pipeline.media import AudioTrack, Note, VideoTrack

_VERY_SHORT_MS = 1_000
_RATE_CAP = 60


def describe(
    video: VideoTrack | None,
    audio: Sequence[AudioTrack],
    *,
    duration_ms: int,
    dropped_audio: Sequence[str] = (),
) -> tuple[Note, ...]:
    """List what had to be coped with. None of it stops a video from being published."""
    return (
        *_of_file(audio, duration_ms, dropped_audio),
        *((*_of_geometry(video), *_of_time(video)) if video else _NO_VIDEO),
    )


_NO_VIDEO = (Note("no_video", "There is no picture; only the sound will be published."),)


def _of_file(
    audio: Sequence[AudioTrack], duration_ms: int, dropped: Sequence[str]
) -> Iterator[Note]:
    if duration_ms < _VERY_SHORT_MS:
        yield Note("very_short", f"It lasts {duration_ms} ms.")
    if not audio:
        yield Note("no_audio", "There is no sound.")
    if len(audio) > 1:
        yield Note("several_audio_tracks", f"Of {len(audio)} sound tracks one is published.")
    if any(track.channels > 2 for track in audio):
        yield Note("surround_sound", "Surround sound is mixed down to stereo.")
    for codec in dropped:
        yield Note("audio_dropped", f"A sound track in {codec} cannot be decoded and is left out.")


def _of_geometry(video: VideoTrack) -> Iterator[Note]:
    if video.rotation:
        yield Note("rotation", f"It is stored turned; it is shown turned by {video.rotation}°.")
    if video.sample_aspect_ratio.fraction != 1:
        ratio = video.sample_aspect_ratio
        yield Note(
            "anamorphic", f"Its pixels are not square ({ratio.num}:{ratio.den}); they will be."
        )
    if video.coded_width % 2 or video.coded_height % 2:
        yield Note(
            "odd_dimensions",
            f"{video.coded_width} x {video.coded_height} is odd; the result loses a row or column.",
        )
    if video.hdr:
        yield Note("hdr", "It is high dynamic range; colours may look pale for now.")
    if video.interlaced:
        yield Note("interlaced", "It is interlaced; it will be progressive.")


def _of_time(video: VideoTrack) -> Iterator[Note]:
    if video.variable_frame_rate:
        yield Note("variable_frame_rate", "Its frames are not evenly spaced; they stay so.")
    if float(video.frame_rate) > _RATE_CAP + 1:
        yield Note("high_frame_rate", f"{float(video.frame_rate):.0f} frames per second become 60.")
    if not video.closed_gop:
        yield Note("open_gop", "Its groups of pictures depend on each other; it is encoded anew.")
    if video.frame_count == 1:
        yield Note("single_frame", "It is a single picture.")
    if video.start_ms > 100:
        yield Note("late_video", f"The picture starts {video.start_ms} ms after the sound.")
