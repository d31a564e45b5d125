"""Takes pictures out of a video, cheaply."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ffmpeg
import msgspec
from PIL import Image

from workers.pipeline.command import ffmpeg_argv, input_options
from workers.pipeline.errors import BadInput
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.pipeline.process import run

_MAX_IMAGE_BYTES = 256 * 1024**2


class Sampling(msgspec.Struct, frozen=True):
    """The pictures shown at 0, 1, 2, ... intervals, in a size of width and height."""

    interval_ms: int
    size: tuple[int, int]


class Pictures:
    """Pictures in a file of plain pixels; each is read when its turn comes.

    There may be hundreds, which together would take more memory than a worker should.
    """

    def __init__(self, pixels: Path, size: tuple[int, int]) -> None:
        self._pixels = pixels
        self._size = size

    @property
    def size_bytes(self) -> int:
        # FFmpeg makes no file where there is no picture.
        return self._pixels.stat().st_size if self._pixels.exists() else 0

    def __iter__(self) -> Iterator[Image.Image]:
        if not self.size_bytes:
            return
        length = self._size[0] * self._size[1] * 3
        with self._pixels.open("rb") as file:
            while len(data := file.read(length)) == length:
                yield Image.frombytes("RGB", self._size, data)


@asynccontextmanager
async def frames_every(
    program: Ffmpeg,
    video: Path,
    samplings: Sequence[Sampling],
    *,
    keyframes_only: bool,
    limits: Limits,
    scratch: Path,
) -> AsyncIterator[tuple[Pictures, ...]]:
    """The pictures of each sampling, which one FFmpeg takes; they last as long as the context.

    Args:
        program: The FFmpeg to run.
        video: Absolute path of an MP4 file of ours.
        samplings: What is wanted.
        keyframes_only: Decode keyframes alone: right when they are at most an interval apart.
        limits: What the process may use.
        scratch: Absolute path of a folder, with room for three bytes per pixel of all pictures.
    """
    options = {"skip_frame": "nokey"} if keyframes_only else {}
    opened = ffmpeg.input(f"file:{video}", **input_options("mov"), **options)
    branches = opened["v:0"].filter_multi_output("split", len(samplings))
    streams = []
    for number, sampling in enumerate(samplings):
        # Rounding up makes each picture the one that is shown at its time, the last not after it.
        rate = f"1000/{sampling.interval_ms}"
        stream = branches[number].filter("fps", fps=rate, start_time=0, round="up")
        streams.append((stream, sampling.size))
    with TemporaryDirectory(prefix="frames-", dir=scratch) as folder:
        yield await _extract(program, streams, {}, limits, Path(folder))


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
        with TemporaryDirectory(prefix="frames-", dir=scratch) as folder:
            [pictures] = await _extract(
                program, [(opened["v:0"], size)], {"frames:v": 1}, limits, Path(folder)
            )
            for picture in pictures:
                return picture
    return None


async def _extract(
    program: Ffmpeg,
    streams: Sequence[tuple[Any, tuple[int, int]]],
    options: dict[str, Any],
    limits: Limits,
    folder: Path,
) -> tuple[Pictures, ...]:
    outputs, made = [], []
    for number, (stream, (width, height)) in enumerate(streams):
        scaled = stream.filter("scale", width, height, flags="area").filter("setsar", "1")
        # Plain pixels in one file: nothing to encode, nothing to decode, no names to sort.
        pixels = folder / f"{number}.rgb"
        raw = {"f": "rawvideo", "pix_fmt": "rgb24", "fps_mode": "passthrough"}
        outputs.append(scaled.output(f"file:{pixels}", **raw, **options))
        made.append(Pictures(pixels, (width, height)))
    done = await run(
        ffmpeg_argv(program, outputs),
        limits=limits,
        timeout_s=limits.images_wall_seconds,
        cwd=folder,
    )
    done.check()
    if sum(pictures.size_bytes for pictures in made) > _MAX_IMAGE_BYTES:
        raise BadInput("too_many_pixels", "The pictures of this video are too large.")
    return tuple(made)
