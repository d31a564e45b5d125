"""The API as four processes behind a load balancer: nobody who uses it can tell."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.paths import PATHS
from app.settings import STORELESS_ROLES
from tests.e2e.system.client import Client
from tests.e2e.system.evidence import assert_made_once, settled, watch
from tests.e2e.system.stack import API, WORKER, Stack
from tests.ports import unused_port
from tests.servers.router import Router, routing


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Router]]:
    """A process per role, with what the role needs and no more, and a worker."""
    stack = Stack(tmp_path_factory.mktemp("roles"))
    try:
        stack.up()
        # Migrated and known good; from here on the roles stand for it, under its address.
        stack.stop(API)
        targets = {}
        for role in PATHS:
            port = unused_port()
            storeless = {"store_root": None} if role in STORELESS_ROLES else {}
            stack.start(role, role=role, port=port, **storeless)
            targets[role] = f"http://127.0.0.1:{port}"
        stack.start(WORKER)
        stack.status_urls |= targets
        with routing(targets, stack.port) as (_, router):
            yield stack, router
    finally:
        stack.down()


async def test_a_video_passes_through_four_processes_as_through_one(
    divided: tuple[Stack, Router], long: Path
) -> None:
    stack, router = divided
    await stack.ready(*PATHS, WORKER)
    async with await Client.register(stack.url) as client:
        asset_id = await client.upload(long, title="Opening night")
        asset = await client.becomes_ready(asset_id)
        assert await watch(client, asset) > 6
        await settled(stack)
        asset = await client.asset(asset_id)
        await assert_made_once(stack, asset, like=asset)
        cards = await client.get("/api/analytics/videos")
        assert [card["video_id"] for card in cards["videos"]] == [asset_id]
        one = await client.upload(long)
        assert (await client.send("DELETE", f"/v1/assets/{one}")).status_code == 202
        await settled(stack)
    assert all(router.sent.values()), router.sent


async def test_a_process_asked_past_the_balancer_says_what_it_is(
    divided: tuple[Stack, Router],
) -> None:
    stack, _ = divided
    await stack.ready("accounts")
    async with httpx.AsyncClient(base_url=stack.status_urls["accounts"]) as client:
        answer = await client.get("/v1/assets")
        assert (answer.status_code, answer.json()["role"]) == (404, "catalog")
        assert (await client.get("/ready")).json()["checks"] == {"database": "ok"}
