import re
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from tests.integration.pipeline.flow import walk
from tests.media.clips import X264, Clips
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.images import choose_poster

# Three seconds of black, then red, then blue: a picture tells when it was taken.
COLOURS = (
    *("-f", "lavfi", "-i", "color=black:s=640x360:r=25:d=3"),
    *("-f", "lavfi", "-i", "color=red:s=640x360:r=25:d=3"),
    *("-f", "lavfi", "-i", "color=blue:s=640x360:r=25:d=3"),
    *("-filter_complex", "[0][1][2]concat=n=3", *X264),
)


def colour(picture: Image.Image) -> str:
    red, green, blue = ImageStat.Stat(picture.convert("RGB")).mean
    if max(red, green, blue) < 30:
        return "black"
    return "red" if red > blue else "blue"


async def test_storyboard_tiles_show_their_times(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    made = await walk(program, clips.make("colours.mp4", *COLOURS), scratch)
    assert made.report.ok
    sheet = Image.open(made.folder / "images/storyboard-0.jpg")
    cues = (made.folder / "images/storyboard.vtt").read_text()
    seen = []
    for x, y, w, h in re.findall(r"#xywh=(\d+),(\d+),(\d+),(\d+)", cues):
        left, top = int(x), int(y)
        tile = sheet.crop((left, top, left + int(w), top + int(h)))
        seen.append(colour(tile))
    assert seen == ["black"] * 3 + ["red"] * 3 + ["blue"] * 3


async def test_a_long_storyboard_needs_keyframes_only(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    source = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=10:d=41,drawbox=w='t':h=64:t=fill")
    made = await walk(program, clips.make("long.mp4", *source, *X264), scratch)
    cues = (made.folder / "images/storyboard.vtt").read_text()
    assert cues.count("xywh") == 11
    assert "00:00:40.000 --> 00:00:41.000" in cues


async def test_stills_show_their_times(program: Ffmpeg, clips: Clips, scratch: Path) -> None:
    made = await walk(program, clips.make("colours.mp4", *COLOURS), scratch)
    stills = [image for image in made.images if image.kind == "thumbnail"]
    assert [still.time_ms for still in stills] == list(range(0, 9_000, 1_000))
    assert [still.name for still in stills[:2]] == [
        "thumbnail-00000000.jpg",
        "thumbnail-00001000.jpg",
    ]
    pictures = [Image.open(made.folder / "images" / still.name) for still in stills]
    assert {picture.format for picture in pictures} == {"JPEG"}
    assert {picture.size for picture in pictures} == {(640, 360)}
    assert [colour(picture) for picture in pictures] == ["black"] * 3 + ["red"] * 3 + ["blue"] * 3
    # Nothing is left of what they were made from.
    found = {path.name for path in (made.folder / "images").iterdir()}
    assert found == {image.name for image in made.images}


async def test_stills_of_many_segments_are_their_first_pictures(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    # Red grows with time, 6 a second, in a picture that is larger than a still.
    clip = clips.make(
        "reddening.mp4",
        *("-f", "lavfi", "-i", "color=black:s=32x12:r=5:d=34,format=rgb24,geq=r='6*T':g=0:b=0"),
        *("-vf", "scale=800:300:flags=neighbor", *X264),
    )
    made = await walk(program, clip, scratch)
    stills = [image for image in made.images if image.kind == "thumbnail"]
    assert [still.time_ms for still in stills] == list(range(0, 34_000, 4_000))
    for still in stills:
        found = Image.open(made.folder / "images" / still.name)
        assert found.size == (still.width, still.height) == (640, 240)
        red = ImageStat.Stat(found).mean[0]
        assert still.time_ms is not None
        assert red == pytest.approx(6 * still.time_ms / 1000, abs=6)


async def test_the_poster_is_not_black_and_has_both_formats(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    made = await walk(program, clips.make("colours.mp4", *COLOURS), scratch)
    posters = {image.name: image for image in made.images if image.kind == "poster"}
    assert set(posters) == {"poster.jpg", "poster.webp"}
    for name, image in posters.items():
        found = Image.open(made.folder / "images" / name)
        assert found.size == (image.width, image.height) == (640, 360)
        assert found.get_format_mimetype() == image.content_type
        assert image.size_bytes == (made.folder / "images" / name).stat().st_size
        assert colour(found) == "red"


def test_the_richest_picture_of_the_first_half_wins() -> None:
    flat = Image.new("RGB", (64, 64), (90, 90, 90))
    rich = Image.effect_noise((64, 64), 90).convert("RGB")
    black = Image.new("RGB", (64, 64))
    assert choose_poster([black, flat, rich, rich]) in {1, 2}
    assert choose_poster([black, rich, flat, flat]) == 1
    assert choose_poster([black, black, black, rich]) == 3
    assert choose_poster([black]) == 0
