"""Uploads by tus-js-client, which knows nothing of Spool but the protocol."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.system.client import Client, Json
from tests.e2e.system.stack import API, MIB, PART, Stack
from tests.servers.tus_js_client import node_modules

_PROGRAM = Path(__file__).with_name("tus_client.cjs")
_BYTES = 8 * PART
_SECONDS = 90.0


@pytest.fixture(scope="session")
def modules() -> Path:
    if shutil.which("node") is None:
        pytest.skip("node is needed for tus-js-client")
    return node_modules()


@pytest.fixture
def film(small: Path, tmp_path: Path) -> Path:
    """A clip with a lot of nothing behind it, so that it lasts for many parts."""
    data = small.read_bytes()
    padding = _BYTES - len(data)
    path = tmp_path / "film.mp4"
    path.write_bytes(data + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    return path


@dataclass
class Uploading:
    """The program, while it runs."""

    process: asyncio.subprocess.Process
    seen: list[Json]

    async def until(self, event: str, **at_least: int) -> Json:
        """The next event of this kind whose numbers are large enough."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            while line := await self.process.stdout.readline():
                told: Json = json.loads(line)
                self.seen.append(told)
                assert told["event"] != "failed", told
                if told["event"] == event and all(told[k] >= v for k, v in at_least.items()):
                    return told
        raise AssertionError(f"it ended without {event}: {self.seen[-5:]}")

    def events(self, kind: str) -> list[Json]:
        return [told for told in self.seen if told["event"] == kind]


@pytest.fixture
def upload(modules: Path, stack: Stack, client: Client) -> Any:
    @asynccontextmanager
    async def start(file: Path, **options: object) -> AsyncIterator[Uploading]:
        token = client.http.headers["Authorization"].removeprefix("Bearer ")
        given = {
            "file": str(file),
            "endpoint": f"{stack.url}/v1/tus",
            "token": token,
            "metadata": {"filename": file.name, "filetype": "video/mp4", "title": "By tus"},
            **options,
        }
        process = await asyncio.create_subprocess_exec(
            "node",
            str(_PROGRAM),
            str(modules),
            json.dumps(given),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield Uploading(process, [])
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    return start


def content_of(path: Path) -> bytes:
    return path.read_bytes()


async def source(stack: Stack, client: Client, place: str) -> tuple[Json, bytes]:
    view = await client.get(f"/v1/uploads/{place.rsplit('/', 1)[1]}")
    key = f"videos/{view['asset_id']}.mp4"
    return view, b"".join([block async for block in stack.store.read(key)])


@pytest.mark.parametrize("chunk", [None, 3 * MIB], ids=["one request", "chunks"])
async def test_a_file_arrives(
    upload: Any, stack: Stack, client: Client, film: Path, chunk: int | None
) -> None:
    more = {"uploadDataDuringCreation": True} | ({"chunkSize": chunk} if chunk else {})
    async with upload(film, **more) as running:
        done = await running.until("done")
    view, data = await source(stack, client, done["url"])
    assert (view["method"], view["size_bytes"]) == ("tus", _BYTES)
    assert data == content_of(film)
    assert running.events("retry") == []


async def test_an_upload_pauses_and_goes_on(
    upload: Any, stack: Stack, client: Client, film: Path
) -> None:
    async with upload(film, chunkSize=3 * MIB, pauseAt=9 * MIB) as running:
        done = await running.until("done")
    assert [told["accepted"] for told in running.events("paused")] == [9 * MIB]
    # Nothing was sent twice.
    accepted = [told["accepted"] for told in running.events("chunk")]
    assert accepted == sorted(set(accepted))
    assert (await source(stack, client, done["url"]))[1] == content_of(film)


async def test_three_streams_become_one_video(
    upload: Any, stack: Stack, client: Client, film: Path
) -> None:
    async with upload(film, parallelUploads=3) as running:
        done = await running.until("done")
    view = await client.get(f"/v1/uploads/{done['url'].rsplit('/', 1)[1]}")
    asset = await client.becomes_ready(view["asset_id"])
    assert asset["title"] == "By tus"
    view, data = await source(stack, client, done["url"])
    assert view["state"] == "completed"
    assert data == content_of(film)
    assert [found.key async for found in stack.store.list("tus/")] == []


async def test_an_upload_is_terminated(
    upload: Any, stack: Stack, client: Client, film: Path
) -> None:
    async with upload(film, chunkSize=3 * MIB, terminateAt=9 * MIB) as running:
        place = await running.until("place")
        await running.until("terminated")
    upload_id = place["url"].rsplit("/", 1)[1]
    assert (await client.get(f"/v1/uploads/{upload_id}"))["state"] == "cancelled"
    left = [found.key async for found in stack.store.list(f"tus/{upload_id}")]
    assert left == []


async def test_the_api_is_killed_and_the_upload_goes_on(
    upload: Any, stack: Stack, client: Client, film: Path
) -> None:
    """The client goes on by what HEAD says; the lock of the dead process has ended by then."""
    async with upload(film, chunkSize=7 * MIB) as running:
        for megabytes in (7, 21):
            await running.until("chunk", accepted=megabytes * MIB)
            stack.kill(API)
            await running.until("retry")
            await stack.revive()
        done = await running.until("done")
    view, data = await source(stack, client, done["url"])
    assert data == content_of(film)
    await client.becomes_ready(view["asset_id"])
