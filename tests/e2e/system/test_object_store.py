"""Spool on an object store that speaks S3 and fails: what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.foundation.clock import utc_now
from app.foundation.db.database import Database
from app.uploads.orphans import sweep_orphans
from tests.e2e.system.client import Client
from tests.e2e.system.evidence import (
    assert_made_once,
    assert_store_is_clean,
    settled,
    watch,
)
from tests.e2e.system.stack import Stack
from tests.integration.storage.s3_stores import make_buckets, s3_client
from tests.servers.fault_proxy import FaultProxy
from tests.servers.versitygw import ObjectServer

ERROR_SHARE = 0.3
RESET_SHARE = 0.03
CUT_SHARE = 0.02
DELAY_SECONDS = 0.05
HARMED = ERROR_SHARE + RESET_SHARE + CUT_SHARE
VIDEOS = 2
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def proxy(object_server: ObjectServer) -> Iterator[FaultProxy]:
    """Stands between the store and everybody: API, workers, clients with signed requests."""
    with FaultProxy(object_server.host, object_server.port, seed=6) as running:
        yield running


@pytest.fixture(scope="module")
def cloud(object_server: ObjectServer, proxy: FaultProxy, credentials: None) -> dict[str, object]:
    """Settings of the cloud's side of the seams."""
    source, media = make_buckets(object_server.url, 2)
    return {
        "store": "s3",
        "s3_source_bucket": source,
        "s3_media_bucket": media,
        "s3_endpoint_url": proxy.url,
        "s3_path_style": True,
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cloud: dict[str, object]) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), **cloud)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture
async def healthy(proxy: FaultProxy, stack: Stack) -> AsyncIterator[FaultProxy]:
    yield proxy
    proxy.heal()


async def test_every_object_is_in_its_bucket(
    stack: Stack, client: Client, small: Path, object_server: ObjectServer, cloud: dict[str, object]
) -> None:
    asset = await client.becomes_ready(await client.upload(small))
    await settled(stack)
    found = {}
    admin = s3_client(object_server.url)
    for bucket in (cloud["s3_source_bucket"], cloud["s3_media_bucket"]):
        listed = admin.list_objects_v2(Bucket=bucket).get("Contents", [])
        found[bucket] = {one["Key"].split("/")[0] for one in listed if asset["id"] in one["Key"]}
    admin.close()
    assert found[cloud["s3_source_bucket"]] == {"videos", "metadata"}
    assert found[cloud["s3_media_bucket"]] == {"renditions", "images"}


async def test_a_source_is_read_by_a_signed_link(stack: Stack, client: Client, small: Path) -> None:
    asset_id = await client.upload(small)
    await client.becomes_ready(asset_id)
    [source] = [found async for found in stack.store.list(f"videos/{asset_id}")]
    url = stack.store.sign_get(source.key, expires=timedelta(minutes=5), filename="small.mp4")
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.get(url)
        assert answer.content == await asyncio.to_thread(small.read_bytes)
        assert answer.headers["content-disposition"].startswith("attachment")
        forged = url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")
        assert (await stranger.get(forged)).status_code == 403


async def test_deleting_leaves_no_object(stack: Stack, client: Client, small: Path) -> None:
    asset = await client.becomes_ready(await client.upload(small))
    await settled(stack)
    assert (await client.send("DELETE", f"/v1/assets/{asset['id']}")).status_code == 202
    await settled(stack)
    left = [found.key async for found in stack.store.list("") if asset["id"] in found.key]
    assert left == []


@pytest.mark.slow
async def test_all_complete_over_a_store_that_fails(
    stack: Stack, client: Client, long: Path, healthy: FaultProxy, seed: int
) -> None:
    """R6: 30 % of the requests get 5xx, others are delayed, reset, or lose their answer."""
    proxy = healthy
    before = proxy.requests
    like = await client.becomes_ready(await client.upload(long))
    await settled(stack)
    undisturbed = proxy.requests - before

    proxy.counts.clear()
    proxy.error_share, proxy.reset_share, proxy.cut_share = ERROR_SHARE, RESET_SHARE, CUT_SHARE
    proxy.delay_seconds = DELAY_SECONDS
    ids = [await client.upload(long, title=f"{seed}") for _ in range(VIDEOS)]
    assets = [await client.becomes_ready(each, seconds=PATIENCE_SECONDS) for each in ids]
    await settled(stack, seconds=PATIENCE_SECONDS)
    counts, made = dict(proxy.counts), proxy.requests
    proxy.heal()

    for asset in assets:
        await assert_made_once(stack, await client.asset(asset["id"]), like=like)
        # All that the manifests name is there, whole.
        await watch(client, asset)
    attempts = await stack.value("SELECT max(attempt) FROM tasks")
    ratio = made / (VIDEOS * undisturbed)
    print(
        f"{VIDEOS} videos: {made} requests, {ratio:.2f} times those without faults, {counts}; "
        f"at least {1 / (1 - HARMED):.2f} times are needed; tries of a task: {attempts}"
    )
    assert counts["error"] > 0.2 * made
    # What is drawn scatters by a tenth over so few requests.
    assert ratio <= 1.25 / (1 - HARMED)
    await assert_no_orphans(stack)


async def test_parts_of_a_killed_process_are_swept(
    stack: Stack, client: Client, long: Path
) -> None:
    upload = await client.begin("long.mp4", 2 * 5 * 1024 * 1024)
    await client.send("DELETE", f"/v1/uploads/{upload['id']}")
    # What a worker leaves that is killed within a large file, and an API within a transaction.
    for key in ("renditions/lost/1/video.mp4", "videos/ast_lost.mp4"):
        await stack.store.create_multipart(key)
    assert len([each async for each in stack.store.list_multiparts("")]) == 2
    await assert_no_orphans(stack)


async def assert_no_orphans(stack: Stack) -> None:
    """Runs the sweep as it will be run a day later; after it no upload without a row is left."""
    database = Database(stack.postgres.app_url, pool_size=1)
    try:
        async with database.dispatch() as tx:
            await sweep_orphans(tx, stack.store, clock=lambda: utc_now() + timedelta(days=1))
    finally:
        await database.close()
    assert [each async for each in stack.store.list_multiparts("")] == []
    await assert_store_is_clean(stack)
