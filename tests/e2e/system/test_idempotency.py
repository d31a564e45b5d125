"""Fifty requests at once with one Idempotency-Key do what one does (R9)."""

import asyncio
from uuid import uuid4

from tests.e2e.system.client import Client
from tests.e2e.system.stack import Stack


async def test_fifty_at_once_make_one_asset(stack: Stack, client: Client) -> None:
    body = {"filename": "film.mp4", "size_bytes": 1000}
    headers = {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(
        *(client.send("POST", "/v1/uploads", json=body, headers=headers) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * 49
    assert (await client.get("/v1/assets"))["items"][0]["id"] == answers[0].json()["asset_id"]
    assert len((await client.get("/v1/assets"))["items"]) == 1
    key = f"videos/{answers[0].json()['asset_id']}"
    assert len([each async for each in stack.store.list_multiparts(key)]) == 1

    other = await client.send(
        "POST", "/v1/uploads", json={**body, "size_bytes": 1001}, headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await client.get("/v1/assets"))["items"]) == 1
