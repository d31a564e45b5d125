"""A large file goes straight to the store: neither the API nor the client holds it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest

from tests.e2e.system.client import Client
from tests.e2e.system.stack import API, MIB, Stack

_SMALL_MIB = 50
_ALLOWED_BYTES = 32 * MIB
_LOOK_SECONDS = 0.05
_PART_BYTES = 16 * MIB


@pytest.fixture
def mib(request: pytest.FixtureRequest) -> int:
    """How large; `--mib 5120` for all that is allowed."""
    return int(request.config.getoption("mib", 1024))


@dataclass
class Peak:
    """The most memory that was seen of a process, in bytes."""

    bytes: int = 0


async def test_memory_stays_flat(stack: Stack, client: Client, mib: int) -> None:
    # Those who run it get the parts that clients get.
    stack.stop(API)
    stack.start(API, upload_part_bytes=_PART_BYTES)
    await stack.ready(API)
    try:
        await upload_zeros(stack, client, _SMALL_MIB)
        small = await measure(stack, client, _SMALL_MIB)
        large = await measure(stack, client, mib)
    finally:
        stack.stop(API)
    for name in small:
        grown = large[name] - small[name]
        print(f"{name}: {small[name] / MIB:.1f} MiB, then {grown / MIB:+.1f} MiB")
        assert grown <= _ALLOWED_BYTES, name


async def measure(stack: Stack, client: Client, mib: int) -> dict[str, int]:
    """Peaks of the API and of this process while so much is uploaded."""
    async with watched(psutil.Process(stack.pid(API))) as api, watched(psutil.Process()) as own:
        began = time.monotonic()
        await upload_zeros(stack, client, mib)
        seconds = time.monotonic() - began
    print(f"{mib} MiB in {seconds:.1f} s, {mib / seconds:.0f} MiB/s")
    return {"API": api.bytes, "client": own.bytes}


async def upload_zeros(stack: Stack, client: Client, mib: int) -> None:
    """A sparse file: its parts are zeros, and no video; the worker says so, and it is deleted."""
    upload = await client.begin("sparse.mp4", mib * MIB)
    assert upload["part_bytes"] == _PART_BYTES
    zeros = bytes(upload["part_bytes"])
    await client.send_parts(upload, lambda begin, end: zeros[: end - begin])
    await client.complete(upload)
    asset = await client.ends(upload["asset_id"])
    assert asset["source_bytes"] == mib * MIB
    assert asset["error"]["code"] == "not_media"
    await client.send("DELETE", f"/v1/assets/{upload['asset_id']}")


@asynccontextmanager
async def watched(process: psutil.Process) -> AsyncIterator[Peak]:
    peak = Peak()

    async def look() -> None:
        while True:
            peak.bytes = max(peak.bytes, process.memory_info().rss)
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        looking.cancel()
