"""Probes as they may come, for properties that must hold for all of them."""

from hypothesis import strategies as st

from workers.pipeline.media import AudioTrack, Probe, Rational, VideoTrack

RATES = st.sampled_from([(24000, 1001), (25, 1), (30, 1), (30000, 1001), (60, 1), (120, 1), (1, 2)])


def video_track(
    width: int,
    height: int,
    *,
    rate: tuple[int, int] = (30, 1),
    keyframes: tuple[int, ...] = (0,),
    codec: str = "h264",
    **changes: object,
) -> VideoTrack:
    facts: dict[str, object] = {
        "index": 0,
        "codec": codec,
        "profile": "High",
        "pix_fmt": "yuv420p",
        "coded_width": width,
        "coded_height": height,
        "width": width,
        "height": height,
        "rotation": 0,
        "sample_aspect_ratio": Rational(1),
        "frame_rate": Rational(*rate),
        "base_rate": Rational(*rate),
        "variable_frame_rate": False,
        "interlaced": False,
        "color_transfer": 1,
        "hdr": False,
        "bit_rate": 500_000,
        "frame_count": 100,
        "start_ms": 0,
        "has_b_frames": True,
        "closed_gop": True,
        "keyframe_times_ms": keyframes,
        "keyframes_complete": True,
        **changes,
    }
    return VideoTrack(**facts)  # type: ignore[arg-type]  # checked by the tests that use it


def audio_track(*, codec: str = "aac", channels: int = 2, start_ms: int = 0) -> AudioTrack:
    return AudioTrack(
        index=1,
        codec=codec,
        profile="LC" if codec == "aac" else None,
        channels=channels,
        sample_rate=48_000,
        bit_rate=128_000,
        language="eng",
        default=True,
        start_ms=start_ms,
        duration_ms=10_000,
    )


def probe_of(
    video: VideoTrack | None,
    *audio: AudioTrack,
    duration_ms: int = 10_000,
    demuxer: str = "mov",
) -> Probe:
    return Probe(
        demuxer=demuxer,
        container=demuxer,
        duration_ms=duration_ms,
        size_bytes=1_000_000,
        bit_rate=800_000,
        video=video,
        audio=audio,
        notes=(),
    )


@st.composite
def probes(draw: st.DrawFn) -> Probe:
    duration = draw(st.integers(1, 4 * 3600 * 1000))
    step = draw(st.integers(100, 20_000))
    keyframes = tuple(range(0, duration, max(step, duration // 2000)))
    video = video_track(
        draw(st.integers(1, 8192)),
        draw(st.integers(1, 8192)),
        rate=draw(RATES),
        keyframes=keyframes,
        variable_frame_rate=draw(st.booleans()),
        closed_gop=draw(st.booleans()),
        bit_rate=draw(st.integers(1, 50_000_000)),
    )
    sound = [audio_track(channels=draw(st.integers(1, 8)))] if draw(st.booleans()) else []
    return probe_of(video, *sound, duration_ms=duration)
