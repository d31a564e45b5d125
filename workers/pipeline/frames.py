"""Takes pictures out of a video, cheaply."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ffmpeg
from PIL import Image

from workers.pipeline.command import ffmpeg_argv, input_options
from workers.pipeline.errors import BadInput
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.pipeline.process import run

_MAX_IMAGE_BYTES = 256 * 1024**2


async def frames_every(
    program: Ffmpeg,
    video: Path,
    *,
    interval_ms: int,
    size: tuple[int, int],
    keyframes_only: bool,
    limits: Limits,
    scratch: Path | None = None,
) -> list[Image.Image]:
    """The pictures shown at 0, 1, 2, ... intervals.

    Args:
        program: The FFmpeg to run.
        video: Absolute path of an MP4 file of ours.
        interval_ms: Time between two pictures.
        size: Width and height of the pictures.
        keyframes_only: Decode keyframes alone: right when they are at most an interval apart.
        limits: What the process may use.
        scratch: Where pixels lie for a moment; the system's folder for such by default.
    """
    options = {"skip_frame": "nokey"} if keyframes_only else {}
    opened = ffmpeg.input(f"file:{video}", **input_options("mov"), **options)
    # Rounding up makes each picture the one that is shown at its time, the last not after it.
    stream = opened["v:0"].filter("fps", fps=f"1000/{interval_ms}", start_time=0, round="up")
    return await _extract(program, stream, size, {}, limits, scratch)


async def frame_at(
    program: Ffmpeg,
    video: Path,
    time_ms: int,
    *,
    size: tuple[int, int],
    limits: Limits,
    demuxer: str = "mov",
    scratch: Path | None = None,
) -> Image.Image | None:
    """The picture shown at a time, or the last before it; None when there is none.

    Args:
        program: The FFmpeg to run.
        video: Absolute path of a file.
        time_ms: From the file's first picture.
        size: Width and height of the picture, which should have the video's proportions.
        limits: What the process may use.
        demuxer: `Probe.demuxer`, for a file we did not write.
        scratch: Where pixels lie for a moment; the system's folder for such by default.
    """
    # A last picture may have begun long ago, and sound may go on when pictures have ended.
    for moment in dict.fromkeys(max(0, time_ms - back) for back in (0, 500, 5_000, time_ms)):
        opened = ffmpeg.input(f"file:{video}", ss=moment / 1000, **input_options(demuxer))
        found = await _extract(program, opened["v:0"], size, {"frames:v": 1}, limits, scratch)
        if found:
            return found[0]
    return None


async def _extract(
    program: Ffmpeg,
    stream: Any,
    size: tuple[int, int],
    options: dict[str, Any],
    limits: Limits,
    scratch: Path | None,
) -> list[Image.Image]:
    width, height = size
    scaled = stream.filter("scale", width, height, flags="area").filter("setsar", "1")
    with TemporaryDirectory(prefix="frames-", dir=scratch) as folder:
        target = Path(folder) / "frames.rgb"
        # Plain pixels in one file: nothing to encode, nothing to decode, no names to sort.
        output = scaled.output(
            f"file:{target}",
            **{"f": "rawvideo", "pix_fmt": "rgb24", "fps_mode": "passthrough", **options},
        )
        done = await run(
            ffmpeg_argv(program, [output]),
            limits=limits,
            timeout_s=limits.images_wall_seconds,
            cwd=Path(folder),
        )
        done.check()
        return await asyncio.to_thread(_split, target, size)


def _split(pixels: Path, size: tuple[int, int]) -> list[Image.Image]:
    length = size[0] * size[1] * 3
    if not pixels.exists():
        return []
    if pixels.stat().st_size > _MAX_IMAGE_BYTES:
        raise BadInput("too_many_pixels", "The pictures of this video are too large.")
    data = pixels.read_bytes()
    return [
        Image.frombytes("RGB", size, data[at : at + length])
        for at in range(0, len(data) - length + 1, length)
    ]
