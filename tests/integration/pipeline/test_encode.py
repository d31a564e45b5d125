"""An encode that must stop stops, and leaves the worker as it was."""

import asyncio
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.media.clips import X264, Clips, picture
from workers.pipeline.encode import encode
from workers.pipeline.errors import BadInput, HostFailure, Timeout
from workers.pipeline.ffmpeg import Ffmpeg, find_ffmpeg
from workers.pipeline.ladder import Profile, plan_ladder
from workers.pipeline.limits import Limits
from workers.pipeline.media import Probe
from workers.pipeline.plan import Plan, plan_work
from workers.pipeline.probe import probe
from workers.pipeline.progress import Progress


@pytest.fixture
def source(clips: Clips) -> Path:
    """A minute of Full HD in a few kilobytes: seconds of work, soon made."""
    still = ("-f", "lavfi", "-i", "color=gray:s=1920x1080:r=30:d=60")
    return clips.make("minute.mp4", *still, *X264, "-g", "900")


async def lay_out(source: Path) -> tuple[Probe, Plan]:
    found = await probe(source, Limits())
    profile = Profile(preset="medium")
    return found, plan_work(found, plan_ladder(found, profile), profile)


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


async def test_a_cancelled_encode_ends_ffmpeg(
    program: Ffmpeg, source: Path, scratch: Path, limits: Limits
) -> None:
    found, plan = await lay_out(source)
    started = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        started.set()

    before = set(children())
    task = asyncio.create_task(
        encode(program, source, found, plan, scratch, limits=limits, on_progress=on_progress)
    )
    async with asyncio.timeout(30):
        await started.wait()
    (ffmpeg,) = set(children()) - before
    assert ffmpeg.name().startswith("ffmpeg")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ffmpeg.is_running()


async def test_an_encode_past_its_deadline_is_ended(
    program: Ffmpeg, source: Path, scratch: Path, limits: Limits
) -> None:
    found, plan = await lay_out(source)
    steps = tuple(msgspec.structs.replace(step, timeout_s=1) for step in plan.steps)
    hasty = msgspec.structs.replace(plan, steps=steps)
    before = set(children())
    with pytest.raises(Timeout):
        await encode(program, source, found, hasty, scratch, limits=limits)
    assert set(children()) <= before


async def test_too_little_memory_is_the_hosts_fault(
    program: Ffmpeg, source: Path, scratch: Path
) -> None:
    found, plan = await lay_out(source)
    with pytest.raises(HostFailure):
        await encode(program, source, found, plan, scratch, limits=Limits(memory_bytes=250_000_000))


async def test_a_result_beyond_its_size_is_the_inputs_fault(
    program: Ffmpeg, clips: Clips, scratch: Path
) -> None:
    noisy = clips.make("noisy.mp4", *picture("1280x720", seconds=4), *X264)
    found, plan = await lay_out(noisy)
    with pytest.raises(BadInput) as caught:
        await encode(program, noisy, found, plan, scratch, limits=Limits(output_file_bytes=100_000))
    assert caught.value.code == "output_too_large"


async def test_a_source_that_vanished_is_the_hosts_fault(
    program: Ffmpeg, source: Path, scratch: Path, limits: Limits
) -> None:
    found, plan = await lay_out(source)
    with pytest.raises(HostFailure) as caught:
        await encode(program, scratch / "gone.mp4", found, plan, scratch, limits=limits)
    assert caught.value.code == "file_missing"


async def test_damage_in_the_middle_costs_pictures_not_the_video(
    program: Ffmpeg, clips: Clips, scratch: Path, limits: Limits
) -> None:
    whole = clips.make("damage.mp4", *picture("320x240", seconds=6), *X264, "-g", "15")
    data = bytearray(whole.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 3000] = bytes(range(250)) * 12
    damaged = scratch / "damaged.mp4"
    damaged.write_bytes(data)
    found, plan = await lay_out(damaged)
    encoded = msgspec.structs.replace(
        plan,
        ladder=msgspec.structs.replace(
            plan.ladder,
            rungs=tuple(msgspec.structs.replace(r, copied=False) for r in plan.ladder.rungs),
        ),
    )
    done = await encode(program, damaged, found, encoded, scratch, limits=limits)
    assert done.stderr_tail


def test_a_program_that_is_no_ffmpeg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostFailure) as caught:
        find_ffmpeg(Path("/bin/true"))
    assert caught.value.code == "ffmpeg_unsuitable"
    with pytest.raises(HostFailure) as caught:
        find_ffmpeg(tmp_path / "ffmpeg")
    assert caught.value.code == "ffmpeg_missing"


def test_an_old_ffmpeg_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho ffmpeg version 4.4.2-0ubuntu0 Copyright\n")
    old.chmod(0o755)
    with pytest.raises(HostFailure, match=r"4\.4\.2"):
        find_ffmpeg(old)
