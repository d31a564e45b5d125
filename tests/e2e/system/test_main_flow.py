"""A video goes in, a stream comes out, and goes away again when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from tests.e2e.system.client import Client
from tests.e2e.system.evidence import (
    assert_made_once,
    assert_metrics_say_nothing_is_stuck,
    settled,
    watch,
)
from tests.e2e.system.stack import WORKER, Stack, until
from tests.e2e.system.waiting import encoding, no_media_process


async def test_from_upload_to_playback(stack: Stack, client: Client, long: Path) -> None:
    asset_id = await client.upload(long, title="Opening night")
    asset = await client.becomes_ready(asset_id)
    assert [each["name"] for each in asset["renditions"]] == ["360p", "240p", "audio"]
    assert await watch(client, asset) > 6
    await settled(stack)
    asset = await client.asset(asset_id)
    await assert_made_once(stack, asset, like=asset)
    await assert_metrics_say_nothing_is_stuck(stack, WORKER)


async def test_a_signed_video_opens_with_its_token_only(
    stack: Stack, client: Client, small: Path
) -> None:
    asset = await client.becomes_ready(await client.upload(small, playback_policy="signed"))
    playback_id = asset["playback_ids"][0]["id"]
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        for ending in ("m3u8", "mpd"):
            assert (await stranger.get(f"/{playback_id}.{ending}")).status_code == 401
            wrong = await stranger.get(f"/{playback_id}.{ending}", params={"token": "x.y"})
            assert wrong.status_code == 403
        key = await stack.value("SELECT media_prefix FROM assets WHERE id = $1", asset["id"])
        forged = await stranger.get(f"/media/x.y/private/{key}master.m3u8")
        assert forged.status_code == 403
        assert (await stranger.get(f"/_store/{key}master.m3u8")).status_code in {403, 404}
    made = await client.post(f"/v1/playback-ids/{playback_id}/tokens", {"ttl_seconds": 600})
    assert await watch(client, asset, token=made["token"]) > 4


async def test_deleting_leaves_no_object(stack: Stack, client: Client, small: Path) -> None:
    asset = await client.becomes_ready(await client.upload(small))
    playback_id = asset["playback_ids"][0]["id"]
    await settled(stack)
    answer = await client.send("DELETE", f"/v1/assets/{asset['id']}")
    assert answer.status_code == 202
    assert (await client.send("GET", f"/{playback_id}.m3u8")).status_code == 404
    await settled(stack)
    assert [key async for key in objects_of(stack, asset["id"])] == []
    assert (await client.send("GET", f"/v1/assets/{asset['id']}")).status_code == 410
    assert "deleted" in (await client.get(f"/v1/assets/{asset['id']}/explain"))["summary"]


async def test_deleting_during_the_encode_leaves_no_object(
    stack: Stack, client: Client, long: Path
) -> None:
    asset_id = await client.upload(long)
    await encoding(stack, asset_id)
    assert (await client.send("DELETE", f"/v1/assets/{asset_id}")).status_code == 202
    await settled(stack)

    await until(no_media_process(stack), "FFmpeg ends")
    assert [key async for key in objects_of(stack, asset_id)] == []


async def test_explain_tells_where_it_is(stack: Stack, client: Client, long: Path) -> None:
    data = await asyncio.to_thread(long.read_bytes)
    upload = await client.begin("long.mp4", len(data))
    asset_id = str(upload["asset_id"])

    async def words() -> str:
        return str((await client.get(f"/v1/assets/{asset_id}/explain"))["summary"])

    assert await words() == "It waits for the first part of long.mp4."
    first = upload["parts"][0]
    sent = await client.nobody.put(
        first["url"], content=data[: first["size_bytes"]], headers=first["headers"]
    )
    assert sent.status_code == 200
    await client.get(f"/v1/uploads/{upload['id']}/parts")
    assert await words() == "Parts of long.mp4 have arrived; the upload is not complete."
    await client.send_parts(upload, lambda begin, end: data[begin:end])
    stack.stop(WORKER)
    await client.complete(upload)
    assert (await words()).startswith("Checking the uploaded file: waiting for a free worker for")
    await stack.revive(WORKER)
    await encoding(stack, asset_id)
    assert (await words()).startswith("Encoding the renditions: ")
    await client.becomes_ready(asset_id)
    assert await words() == "The video is ready to play."


async def test_a_failed_video_is_retried_when_its_cause_is_gone(
    stack: Stack, client: Client, small: Path
) -> None:
    asset_id = await client.upload_bytes(b"no video at all " * 100, "notes.mp4")
    asset = await client.ends(asset_id)
    assert (asset["state"], asset["error"]["code"]) == ("failed", "not_media")
    explained = await client.get(f"/v1/assets/{asset_id}/explain")
    assert asset["error"]["message"] in explained["summary"]
    # As if somebody had repaired the store.
    await stack.store.put_file(f"videos/{asset_id}.mp4", small)
    await client.post(f"/v1/assets/{asset_id}/retry")
    again = await client.becomes_ready(asset_id)
    assert again["error"] is None
    await settled(stack)
    assert await watch(client, again) > 4


async def objects_of(stack: Stack, asset_id: str) -> AsyncIterator[str]:
    async for found in stack.store.list(""):
        if asset_id in found.key:
            yield found.key
