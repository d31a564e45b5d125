"""The worker's machine has its troubles: a full disk, an FFmpeg that hangs or crashes (R7)."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system.client import Client, Json
from tests.e2e.system.evidence import assert_store_is_clean, settled, watch
from tests.e2e.system.stack import API, PART, WORKER, Stack, until
from tests.e2e.system.waiting import no_media_process
from workers.pipeline.ffmpeg import find_ffmpeg

SICK = "sick"


@pytest.fixture
def tiny_disk(running: Stack) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = running.folder / "tiny"
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can make a small disk here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def broken_ffmpeg(folder: Path, encode: str) -> Path:
    """An FFmpeg that answers questions, and does this instead of encoding."""
    path = folder / "ffmpeg"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in\n  *-progress*) {encode} ;;\n'
        f'  *) exec {find_ffmpeg().path} "$@" ;;\nesac\n'
    )
    path.chmod(0o755)
    return path


async def failed_attempt(stack: Stack, client: Client, asset_id: str) -> Json:
    """The first step that failed and waits to be tried again, as `explain` shows it."""

    async def look() -> Json | None:
        explained = await client.get(f"/v1/assets/{asset_id}/explain")
        steps = [*explained["running"], *explained["waiting"]]
        return next((step for step in steps if step["error"]), None)

    return await until(look, "an attempt fails")


async def cured(stack: Stack, client: Client, asset_id: str) -> None:
    """The sick worker still lives; a sound one finishes what it could not."""
    assert stack.pid(SICK)
    stack.stop(SICK)
    await stack.revive(WORKER)
    asset = await client.becomes_ready(asset_id)
    assert await watch(client, asset) > 4
    await settled(stack)
    await assert_store_is_clean(stack)


async def test_a_full_disk(stack: Stack, client: Client, long: Path, tiny_disk: Path) -> None:
    stack.stop(WORKER)
    stack.start(SICK, scratch_root=tiny_disk)
    asset_id = await client.upload(long)
    step = await failed_attempt(stack, client, asset_id)
    assert (step["kind"], step["error"]["code"]) == ("encode", "disk_full")
    assert "disk" in step["error"]["message"]

    async def empty() -> bool:
        usage = os.statvfs(tiny_disk)
        return usage.f_bfree > 0.9 * usage.f_blocks

    await until(empty, "its disk space is given back")
    await cured(stack, client, asset_id)


@pytest.mark.parametrize(
    ("encode", "code"),
    [
        ("kill -SEGV $$", "crashed"),
        ("kill -KILL $$", "killed"),
        ("echo 'Cannot allocate memory' >&2; exit 1", "out_of_memory"),
        ("exit 3", "ffmpeg_failed"),
    ],
)
async def test_an_ffmpeg_that_crashes(
    stack: Stack, client: Client, small: Path, tmp_path: Path, encode: str, code: str
) -> None:
    stack.stop(WORKER)
    stack.start(SICK, ffmpeg_path=broken_ffmpeg(tmp_path, encode))
    asset_id = await client.upload(small)
    step = await failed_attempt(stack, client, asset_id)
    assert step["error"]["code"] == code
    assert step["error"]["message"].endswith(".")
    await cured(stack, client, asset_id)


async def test_an_ffmpeg_that_hangs(
    stack: Stack, client: Client, small: Path, tmp_path: Path
) -> None:
    stack.stop(WORKER)
    stack.start(SICK, ffmpeg_path=broken_ffmpeg(tmp_path, "exec sleep 600"))
    asset_id = await client.upload(small)

    async def hangs() -> bool:
        return await stack.count("tasks WHERE kind = 'encode' AND state = 'leased'") == 1

    await until(hangs, "the encode hangs")
    # As the plan has it, an encode may take minutes: this test does not.
    await stack.rows(
        "UPDATE tasks SET deadline_at = now() WHERE kind = 'encode' AND state = 'leased'"
    )
    step = await failed_attempt(stack, client, asset_id)
    assert (step["kind"], step["error"]["code"]) == ("encode", "timeout")
    await until(no_media_process(stack), "the one that hangs is ended")
    await cured(stack, client, asset_id)


async def test_a_full_store(stack: Stack, client: Client, small: Path, tiny_disk: Path) -> None:
    root = {"store_root": tiny_disk / "store"}
    stack.stop(WORKER)
    stack.stop(API)
    stack.start(API, **root)
    stack.start(SICK, **root)
    await stack.ready(API, SICK)
    try:
        upload = await client.begin("long.mp4", 2 * PART)
        part = upload["parts"][0]
        sent = await client.nobody.put(part["url"], content=bytes(PART), headers=part["headers"])
        assert (sent.status_code, sent.json()["code"]) == (503, "unavailable")
        assert "space" in sent.json()["detail"]
        assert (await client.send("DELETE", f"/v1/uploads/{upload['id']}")).status_code == 204
        asset = await client.becomes_ready(await client.upload(small))
        assert await watch(client, asset) > 4
    finally:
        stack.stop(SICK)
        stack.stop(API)
