"""Each fault that is planted in a sound package is found, and called by its name."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.integration.pipeline.flow import Made, walk
from tests.media.clips import Clips
from workers.pipeline.conformance import explain_failure, verify
from workers.pipeline.errors import BadInput, HostFailure
from workers.pipeline.ffmpeg import Ffmpeg


@pytest.fixture
async def made(program: Ffmpeg, clips: Clips, scratch: Path) -> Made:
    return await walk(program, clips.plain(), scratch)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def cut_segment(folder: Path) -> None:
    segment = folder / "240p/seg_00002.m4s"
    segment.write_bytes(segment.read_bytes()[:-100])


def lose_segment(folder: Path) -> None:
    (folder / "240p/seg_00002.m4s").unlink()


def forget_last_segment(folder: Path) -> None:
    playlist = folder / "240p/index.m3u8"
    lines = playlist.read_text().splitlines()
    playlist.write_text("\n".join([*lines[:-3], lines[-1], ""]))


def swap_segments(folder: Path) -> None:
    first, second = folder / "240p/seg_00001.m4s", folder / "240p/seg_00002.m4s"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


def swap_renditions(folder: Path) -> None:
    (folder / "240p").rename(folder / "x")
    (folder / "360p").rename(folder / "240p")
    (folder / "x").rename(folder / "360p")


def lie_about_length(folder: Path) -> None:
    replace(folder / "360p/index.m3u8", "#EXTINF:4.0", "#EXTINF:4.1")


def drop_keyframe(folder: Path) -> None:
    # trun's first-sample-flags: 0x02000000 is a sync sample, 0x01010000 is not.
    segment = folder / "360p/seg_00002.m4s"
    data = bytearray(segment.read_bytes())
    flags = data.index(b"trun") + 16
    assert data[flags : flags + 4] == b"\x02\x00\x00\x00"
    data[flags : flags + 4] = b"\x01\x01\x00\x00"
    segment.write_bytes(data)


def shift_time(folder: Path) -> None:
    segment = folder / "audio/seg_00001.m4s"
    data = bytearray(segment.read_bytes())
    at = data.index(b"tfdt") + 8
    data[at : at + 8] = (4800).to_bytes(8, "big")
    segment.write_bytes(data)


def forget_a_variant(folder: Path) -> None:
    master = folder / "master.m3u8"
    lines = [line for line in master.read_text().splitlines() if "240p" not in line]
    master.write_text("\n".join(lines).replace("RESOLUTION=426x240", "RESOLUTION=640x360"))


def forget_a_representation(folder: Path) -> None:
    replace(folder / "manifest.mpd", 'id="240p"', 'id="241p"')


def lie_in_the_manifest(folder: Path) -> None:
    replace(folder / "manifest.mpd", 'd="61440"', 'd="61441"')


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (cut_segment, "240p: parses"),
        (lose_segment, "240p: parses"),
        (forget_last_segment, "240p: as many segments as 360p"),
        (swap_segments, "240p: no gap or overlap"),
        (swap_renditions, "360p: picture size"),
        (lie_about_length, "360p: playlist tells the segments' lengths"),
        (drop_keyframe, "360p: segments start with a keyframe"),
        (shift_time, "sound starts with the picture"),
        (forget_a_variant, "master playlist names all renditions"),
        (forget_a_representation, "manifest names all renditions"),
        (lie_in_the_manifest, "360p: manifest and playlist list the same segments"),
    ],
)
async def test_a_planted_fault_is_found(
    made: Made, plant: Callable[[Path], None], named: str
) -> None:
    assert made.report.ok
    plant(made.folder)
    report = verify(made.folder, made.plan, made.probe)
    assert not report.ok
    assert named in {check.name for check in report.failures}


async def test_a_video_that_came_out_short_is_found(made: Made) -> None:
    longer = msgspec.structs.replace(made.probe, duration_ms=made.probe.duration_ms + 1000)
    report = verify(made.folder, made.plan, longer)
    assert [check.name for check in report.failures] == ["as long as the source"]
    error = explain_failure(report)
    assert isinstance(error, BadInput)
    assert "of 7.0 s, 6.0 s" in error.message


async def test_a_fault_of_ours_is_not_blamed_on_the_source(made: Made) -> None:
    cut_segment(made.folder)
    error = explain_failure(verify(made.folder, made.plan, made.probe))
    assert isinstance(error, HostFailure)
