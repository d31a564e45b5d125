"""Poster, storyboard and stills, from renditions that are encoded already."""

import asyncio
import io
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec
from PIL import Image, ImageDraw, ImageStat

from workers.pipeline import frames
from workers.pipeline.command import track_path
from workers.pipeline.errors import BadInput
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.pipeline.plan import Plan
from workers.pipeline.stills import Stills, plan_stills, still_name, still_rung
from workers.pipeline.storyboard import (
    Storyboard,
    draw_sheets,
    plan_storyboard,
    sheet_name,
    write_index,
)

ImageKind = Literal["poster", "storyboard", "storyboard_index", "thumbnail"]
PictureFormat = Literal["jpeg", "webp"]

_FALLBACK_SIZE = (1280, 720)
_BLACK = 16  # mean luma of a picture that shows nothing
_FLAT = 2.0  # bits of entropy of a picture that shows next to nothing


class ImageFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file `name` in the output folder. `time_ms` is when the picture is shown."""

    kind: ImageKind
    name: str
    content_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    time_ms: int | None = None


async def make_images(
    program: Ffmpeg, tracks_dir: Path, plan: Plan, out_dir: Path, *, limits: Limits
) -> tuple[ImageFile, ...]:
    """Write poster.jpg, poster.webp, storyboard-0.jpg, ..., storyboard.vtt and the stills.

    Storyboard and stills come from one decoding of a middling rendition, the poster from the
    largest. Without a picture there is a drawn poster and nothing else.

    Args:
        program: The FFmpeg to run.
        tracks_dir: Absolute path of the folder where `encode` left its track files.
        plan: The plan they were made by.
        out_dir: Made if missing.
        limits: What a process may use.

    Raises:
        HostFailure, Timeout: As `errors.classify_failure` says.
    """
    await asyncio.to_thread(out_dir.mkdir, parents=True, exist_ok=True)
    if not plan.ladder.rungs:
        return await asyncio.to_thread(_write_poster, draw_fallback(), None, out_dir)
    largest, middling = plan.ladder.rungs[0], still_rung(plan.ladder.rungs)
    duration_ms = plan.duration_ms
    board = plan_storyboard(duration_ms, plan.segment_ms, middling.width, middling.height)
    stills = plan_stills(board, middling, duration_ms)
    async with frames.frames_every(
        program,
        track_path(tracks_dir, middling.name),
        (
            frames.Sampling(board.interval_ms, board.tile),
            frames.Sampling(stills.interval_ms, stills.size),
        ),
        # Segments on the source's keyframes are not evenly long, but every one starts with one.
        keyframes_only=board.keyframes_only,
        limits=limits,
        scratch=out_dir,
    ) as (small, large):
        tiles = list(islice(small, board.count(duration_ms)))
        if not tiles:
            return await asyncio.to_thread(_write_poster, draw_fallback(), None, out_dir)
        time_ms = choose_poster(tiles) * board.interval_ms

        # Compressing takes long enough to hold up the heartbeats of a worker's other tasks.
        def write() -> tuple[ImageFile, ...]:
            first = islice(large, stills.count(duration_ms))
            return (
                *_write_storyboard(board, tiles, duration_ms, out_dir),
                *_write_stills(stills, first, out_dir),
            )

        poster, written = await asyncio.gather(
            frames.frame_at(
                program,
                track_path(tracks_dir, largest.name),
                time_ms,
                size=(largest.width, largest.height),
                limits=limits,
                scratch=out_dir,
            ),
            asyncio.to_thread(write),
        )
    posters = await asyncio.to_thread(_write_poster, poster or tiles[0], time_ms, out_dir)
    return posters + written


def _write_storyboard(
    board: Storyboard, tiles: Sequence[Image.Image], duration_ms: int, out_dir: Path
) -> tuple[ImageFile, ...]:
    sheets = [
        _write(sheet, "jpeg", out_dir / sheet_name(number), "storyboard", None)
        for number, sheet in enumerate(draw_sheets(tiles))
    ]
    index = write_index(board, len(tiles), duration_ms).encode()
    return (
        *sheets,
        ImageFile(
            kind="storyboard_index",
            name="storyboard.vtt",
            content_type="text/vtt",
            size_bytes=_store(index, out_dir / "storyboard.vtt"),
        ),
    )


def _write_stills(
    stills: Stills, pictures: Iterable[Image.Image], out_dir: Path
) -> tuple[ImageFile, ...]:
    made = []
    for index, picture in enumerate(pictures):
        time_ms = index * stills.interval_ms
        path = out_dir / still_name(time_ms)
        made.append(_write(picture, "jpeg", path, "thumbnail", time_ms))
    return tuple(made)


def choose_poster(candidates: Sequence[Image.Image]) -> int:
    """The index of the picture that shows most: not black, not flat, rich in tones.

    The first half is preferred, as the second gives away the end.
    """
    first_half = candidates[: max(1, (len(candidates) + 1) // 2)]
    scores = [_interest(picture) for picture in first_half]
    if max(scores) < _FLAT:
        scores = [_interest(picture) for picture in candidates]
    return scores.index(max(scores))


def _interest(picture: Image.Image) -> float:
    gray = picture.convert("L")
    return -1.0 if ImageStat.Stat(gray).mean[0] < _BLACK else gray.entropy()


def draw_fallback(size: tuple[int, int] = _FALLBACK_SIZE) -> Image.Image:
    """What is shown where there is no picture: bars of sound on a dark ground."""
    picture = Image.new("RGB", size, (24, 26, 32))
    draw = ImageDraw.Draw(picture)
    heights = (0.15, 0.3, 0.22, 0.5, 0.38, 0.62, 0.45, 0.62, 0.38, 0.5, 0.22, 0.3, 0.15)
    step = size[0] / (len(heights) * 2 + 1)
    for index, share in enumerate(heights):
        left = step * (index * 2 + 1)
        half = size[1] * share / 2
        box = (left, size[1] / 2 - half, left + step, size[1] / 2 + half)
        draw.rounded_rectangle(box, radius=step / 2, fill=(118, 156, 220))
    return picture


def encode_picture(
    picture: Image.Image, picture_format: PictureFormat, *, progressive: bool = False
) -> bytes:
    """The bytes of a JPEG or WebP file.

    Args:
        picture: RGB.
        picture_format: JPEG or WebP.
        progressive: A JPEG is shown while it arrives, and takes four times as long to make.

    Raises:
        BadInput: The picture is larger than Pillow trusts.
    """
    if Image.MAX_IMAGE_PIXELS and picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
        raise BadInput("too_many_pixels", "The picture is too large.")
    out = io.BytesIO()
    if picture_format == "jpeg":
        picture.save(out, "JPEG", quality=82, optimize=True, progressive=progressive)
    else:
        picture.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def _write_poster(
    picture: Image.Image, time_ms: int | None, out_dir: Path
) -> tuple[ImageFile, ...]:
    return (
        _write(picture, "jpeg", out_dir / "poster.jpg", "poster", time_ms),
        _write(picture, "webp", out_dir / "poster.webp", "poster", time_ms),
    )


def _write(
    picture: Image.Image,
    picture_format: PictureFormat,
    path: Path,
    kind: ImageKind,
    time_ms: int | None,
) -> ImageFile:
    return ImageFile(
        kind=kind,
        name=path.name,
        content_type=f"image/{picture_format}",
        size_bytes=_store(
            encode_picture(picture, picture_format, progressive=kind == "poster"), path
        ),
        width=picture.width,
        height=picture.height,
        time_ms=time_ms,
    )


def _store(data: bytes, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(data)
