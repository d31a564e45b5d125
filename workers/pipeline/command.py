"""Writes FFmpeg's command line. Every flag carries the reason it is there."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from workers.pipeline import codecs
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.ladder import AudioRung, Rung
from workers.pipeline.media import Probe, VideoTrack
from workers.pipeline.plan import Plan, plan_rate

_Options = dict[str, Any]

_VARIABLE_TIME_BASE = 90_000
_AUDIO_FRAGMENT_US = 500_000
_FAR = 1_000_000
_EARLY_S = 0.1
_MAX_CONSTANT_RATE = Fraction(60)


def encode_command(
    program: Ffmpeg, source: Path, probe: Probe, plan: Plan, out_dir: Path, *, threads: int = 0
) -> list[str]:
    """One process that reads the source once and writes one CMAF track file per rendition.

    Args:
        program: The FFmpeg to run.
        source: Absolute path of the source.
        probe: What is known of it.
        plan: What is to be made.
        out_dir: Absolute path of the folder for `track_path(out_dir, name)`.
        threads: Per encoder; 0 leaves it to x264. The bytes of the result depend on it.
    """
    opened = ffmpeg.input(f"file:{source}", **input_options(probe.demuxer))
    outputs = []
    if probe.video is not None:
        outputs += _pictures(opened, probe.video, plan, out_dir, threads)
    if plan.ladder.audio is not None:
        outputs.append(_sound(opened, plan.ladder.audio, out_dir))
    return ffmpeg_argv(program, outputs)


def track_path(out_dir: Path, name: str) -> Path:
    """Where the track file of a rendition lies."""
    return out_dir / f"{name}.mp4"


def input_options(demuxer: str) -> dict[str, str]:
    """How every FFmpeg of ours opens a file it did not write."""
    return {
        "f": demuxer,  # the sniffer's word, so that FFmpeg never guesses
        "format_whitelist": demuxer,  # nor opens another format from within this one
        "protocol_whitelist": "file",  # nor reaches the network
        "codec_whitelist": codecs.DECODERS,  # decoders people need, not the obscure ones
        # A damaged picture costs that picture; a file that is mostly damage fails.
        "max_error_rate": "0.5",
    }


def ffmpeg_argv(program: Ffmpeg, outputs: Sequence[Any]) -> list[str]:
    """The whole command line for some outputs."""
    merged = ffmpeg.merge_outputs(*outputs).global_args(
        "-hide_banner",  # the banner would fill the kept lines of stderr
        "-nostdin",  # it must not wait for keys
        "-loglevel", "warning",  # what went wrong, not how it went
        "-nostats",  # the human's progress line...
        "-progress", "pipe:1",  # ...and the machine's
        "-stats_period", "0.5",
    )  # fmt: skip
    return [
        str(part) for part in ffmpeg.compile(merged, cmd=str(program.path), overwrite_output=True)
    ]


def _pictures(opened: Any, video: VideoTrack, plan: Plan, out_dir: Path, threads: int) -> list[Any]:
    outputs = []
    made = [rung for rung in plan.ladder.rungs if not rung.copied]
    # FFmpeg turns the picture upright before the first filter (-autorotate is its default).
    stream = opened[str(video.index)]
    if made:
        if video.interlaced:
            # Only pictures marked as interlaced; one out for one in.
            stream = stream.filter("bwdif", mode="send_frame", deint="interlaced")
        if video.frame_rate.fraction > plan_rate(plan):
            stream = stream.filter("fps", fps=_ratio(plan_rate(plan)))
        branches = stream.filter_multi_output("split", len(made))
    for rung in plan.ladder.rungs:
        path = track_path(out_dir, rung.name)
        if rung.copied:
            options: _Options = {"c:v": "copy", **_track_options("+frag_keyframe")}
            outputs.append(opened[str(video.index)].output(f"file:{path}", **options))
            continue
        scaled = (
            branches[made.index(rung)]
            .filter("scale", rung.width, rung.height, flags="bicubic")
            .filter("setsar", "1")  # square pixels: the size already allows for the source's
            .filter("format", "yuv420p")  # what every player decodes
        )
        options = _x264_options(rung, video, plan, threads)
        outputs.append(scaled.output(f"file:{path}", **options))
    return outputs


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _x264_options(rung: Rung, video: VideoTrack, plan: Plan, threads: int) -> _Options:
    return {
        "c:v": "libx264",
        "preset": plan.preset,
        "crf": rung.crf,  # constant quality...
        "maxrate": rung.max_bit_rate,  # ...under a ceiling that the playlist can promise
        "bufsize": rung.max_bit_rate * 2,
        "profile:v": "high",
        # Keyframes lie where the plan says and nowhere else, so that all rungs agree.
        "g": _FAR,
        "sc_threshold": 0,
        "flags:v": "+cgop+bitexact",  # segments stand alone; no version string in the stream
        "force_key_frames": _keyframes(plan),
        "threads": threads,
        **_timing(video, plan),
        **_track_options("+frag_keyframe"),
    }


def _timing(video: VideoTrack, plan: Plan) -> _Options:
    late = video.start_ms > 0
    if video.variable_frame_rate and not late and video.frame_rate.fraction <= plan_rate(plan):
        return {
            "fps_mode": "vfr",  # frames keep their times
            "enc_time_base": f"1:{_VARIABLE_TIME_BASE}",  # fine enough for any of them
            "video_track_timescale": _VARIABLE_TIME_BASE,
        }
    # The mean rate would drop frames of a video whose rate varies.
    rate = min(video.base_rate.fraction, _MAX_CONSTANT_RATE) if late else plan_rate(plan)
    return {
        "fps_mode": "cfr",  # a lost frame is shown twice, a late start is filled
        "r": _ratio(max(rate, plan_rate(plan))),
    }


def _keyframes(plan: Plan) -> str:
    # Half a frame early, since a boundary rounded to milliseconds may lie just after its frame.
    half = min(_EARLY_S, 1 / (2 * float(plan_rate(plan))))
    if not plan.uniform:
        times = (max(0.0, ms / 1000 - half) for ms in plan.boundaries_ms)
        return ",".join(f"{t:.3f}" for t in times)
    length = plan.segment_ms / 1000
    # The first frame, and each that lies in another segment than the keyframe before it.
    return (
        f"expr:isnan(prev_forced_t)+gt(floor((t+{half:.6f})/{length:g}),"
        f"floor((prev_forced_t+{half:.6f})/{length:g}))"
    )


def _track_options(fragments: str) -> _Options:
    return {
        "f": "mp4",
        # delay_moov: the init segment is written once the first fragment is known, so that one
        # edit takes out the reordering delay and the first picture is shown at 0. Negative
        # composition offsets would do so too, but FFmpeg's own reader adds them up wrongly and
        # shows the picture late. skip_trailer: no mfra, which no segment needs.
        "movflags": f"+delay_moov+default_base_moof+skip_trailer{fragments}",
        "map_metadata": -1,  # titles and places of the source stay private
        "map_chapters": -1,
        "fflags": "+bitexact",  # the same bytes on every run: no version, no date
        "max_muxing_queue_size": 4096,  # sparse tracks make the others wait in memory
    }


def _sound(opened: Any, audio: AudioRung, out_dir: Path) -> Any:
    stream = opened[str(audio.index)]
    options: _Options = {
        # The encoder's run-in would delay the sound; without it sample 0 is at time 0.
        "bsf:a": "noise=drop=lt(pts\\,0)",
        "frag_duration": _AUDIO_FRAGMENT_US,  # grouped later to the picture's segments
        **_track_options(""),
    }
    if audio.copied:
        options["c:a"] = "copy"
    else:
        # Fills gaps and a late start with silence, so that sound stays with the picture.
        stream = stream.filter("aresample", audio.sample_rate, **{"async": 1, "first_pts": 0})
        options |= {
            "c:a": "aac",
            "b:a": audio.bit_rate,
            "ac": audio.channels,
            "ar": audio.sample_rate,
            "flags:a": "+bitexact",
        }
    return stream.output(f"file:{track_path(out_dir, audio.name)}", **options)
