"""Whatever dies at whatever moment, every video gets ready, and nothing is made twice.

The moments are random, from the seed in the test's name. `--rounds N` asks for more of them, and
`--seed S` repeats one.
"""

import asyncio
import random
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.system.client import Client, Json
from tests.e2e.system.evidence import (
    assert_made_once,
    assert_metrics_say_nothing_is_stuck,
    assert_store_is_clean,
    settled,
    watch,
)
from tests.e2e.system.stack import API, PART, POSTGRES, WORKER, Stack, until
from tests.e2e.system.waiting import encoding, no_media_process

pytestmark = pytest.mark.slow

# A second stack of video in this many parts, so that there is time to be killed in.
_PARTS = 16
_DOWN_SECONDS = 0.5
# A request takes about so long here.
_REQUEST_SECONDS = 0.03
IMMEDIATE = "immediate"


@pytest.fixture(scope="module")
def like(running: Stack, long: Path) -> Json:
    """What comes of the clip when nobody disturbs; `seconds` is how long that takes."""

    async def make() -> Json:
        await running.revive(WORKER)
        async with await Client.register(running.url) as client:
            began = time.monotonic()
            asset = await client.becomes_ready(await client.upload(long))
            return asset | {"seconds": time.monotonic() - began}

    return asyncio.run(make())


@pytest.fixture(scope="module")
def heavy(long: Path) -> bytes:
    """The same clip with a lot of nothing behind it, to last for many parts."""
    data = long.read_bytes()
    padding = _PARTS * PART - len(data)
    return data + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)


async def test_a_worker_is_killed(
    stack: Stack, client: Client, long: Path, like: Json, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311  # for moments
    asset_id = await client.upload(long)
    # The moment is what is random here; nothing is waited for.
    await asyncio.sleep(dice.uniform(0, 0.9 * like["seconds"]))
    stack.kill(WORKER)
    await until(no_media_process(stack), "FFmpeg dies with its worker", 5)
    await stack.revive(WORKER)
    asset = await client.becomes_ready(asset_id)
    await settled(stack)
    await assert_made_once(stack, asset, like)
    await assert_store_is_clean(stack)
    await assert_metrics_say_nothing_is_stuck(stack, WORKER)
    assert await stack.count("tasks WHERE attempt > 2") == 0


@pytest.mark.parametrize(
    "victims",
    [(API,), (POSTGRES,), (IMMEDIATE,), (API, POSTGRES, WORKER)],
    ids=["api", "postgres", "postgres-immediate", "all"],
)
async def test_killed_during_upload_and_encode(
    stack: Stack,
    client: Client,
    long: Path,
    heavy: bytes,
    like: Json,
    seed: int,
    victims: tuple[str, ...],
) -> None:
    dice = random.Random(seed)  # noqa: S311  # for moments
    dead = asyncio.Event()
    # To create, to list, to sign, the parts, to list, to complete.
    fatal_request = dice.randrange(1, _PARTS + 6)
    seen = 0

    def kill() -> None:
        for victim in dice.sample(victims, len(victims)):
            if victim == IMMEDIATE:
                stack.postgres.stop("immediate")
            else:
                stack.kill(victim)
        dead.set()

    async def count(_: httpx.Request) -> None:
        nonlocal seen
        seen += 1
        if seen == fatal_request:
            asyncio.get_running_loop().call_later(dice.uniform(0, _REQUEST_SECONDS), kill)

    first = await client.upload(long)
    await encoding(stack, first)
    async with await Client.register(stack.url) as uploader:
        for http in (uploader.http, uploader.nobody):
            http.event_hooks["request"].append(count)
        uploading = asyncio.create_task(uploader.upload_bytes(heavy, "heavy.mp4"))
        async with asyncio.timeout(60):
            await dead.wait()
        if WORKER in victims:
            await until(no_media_process(stack), "FFmpeg dies with its worker", 5)
        await asyncio.sleep(dice.uniform(0, _DOWN_SECONDS))
        await stack.revive(WORKER)
        second = await uploading
        assets = {
            first: await client.becomes_ready(first),
            second: await uploader.becomes_ready(second),
        }
        assert await watch(uploader, assets[second]) > 4
    await settled(stack)
    for asset in assets.values():
        await assert_made_once(stack, asset, like)
    await assert_store_is_clean(stack)
    await assert_metrics_say_nothing_is_stuck(stack, WORKER)
