"""Uploads in parts: what a client does, in order and out of it."""

import asyncio
import hashlib
import os
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import select, text, update

from app.assets.models import Asset, AssetState
from app.foundation.clock import utc_now
from app.foundation.storage.protocols import Part
from app.jobs.models import Task
from app.uploads import service
from app.uploads.completion import finish_verification
from app.uploads.models import Upload, UploadState
from app.uploads.orphans import sweep_orphans
from tests.conftest import add_project
from tests.integration.api.live import PART, Live

GIB = 1024**3


async def the_upload(live: Live, upload_id: str) -> Upload:
    async with live.database.project(live.project_id) as tx:
        return (await tx.scalars(select(Upload).where(Upload.id == upload_id))).one()


async def the_asset(live: Live, asset_id: str) -> Asset:
    async with live.database.project(live.project_id) as tx:
        return (await tx.scalars(select(Asset).where(Asset.id == asset_id))).one()


async def test_a_file_in_parts_becomes_the_source_of_an_asset(live: Live) -> None:
    data = os.urandom(2 * PART + 12345)
    created = await live.begin(len(data), title="Night", sha256=hashlib.sha256(data).hexdigest())
    assert created["state"] == "waiting"
    assert created["part_count"] == 3
    assert [part["size_bytes"] for part in created["parts"]] == [PART, PART, 12345]
    for part in reversed(created["parts"]):
        begin = (part["number"] - 1) * PART
        sent = await live.send(part, data[begin : begin + part["size_bytes"]])
        assert sent.status_code == 200
        part["etag"] = sent.headers["etag"]
    claimed = [{"number": part["number"], "etag": part["etag"]} for part in created["parts"]]
    answer = await live.client.post(
        f"/v1/uploads/{created['id']}/complete", json={"parts": claimed}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "verifying"
    stored = b"".join(
        [block async for block in live.store.read(f"videos/{created['asset_id']}.mp4")]
    )
    assert stored == data
    asset = (await live.client.get(f"/v1/assets/{created['asset_id']}")).json()
    assert (asset["state"], asset["title"]) == ("ingesting", "Night")
    assert asset["source_bytes"] == len(data)
    assert asset["upload"] == {
        "id": created["id"],
        "state": "verifying",
        "filename": "film.mp4",
    }
    async with live.database.project(live.project_id) as tx:
        task = (await tx.scalars(select(Task))).one()
    assert (task.kind, task.args) == ("ingest", {"upload_id": created["id"]})


async def test_completing_twice_answers_the_same_and_works_once(live: Live) -> None:
    done = await live.upload(b"x" * 1000)
    again = await live.client.post(f"/v1/uploads/{done['id']}/complete")
    assert again.status_code == 200
    assert again.json() == done
    async with live.database.project(live.project_id) as tx:
        assert len((await tx.scalars(select(Task))).all()) == 1


async def test_completing_at_once_works_once(live: Live) -> None:
    created = await live.begin(1000)
    await live.send(created["parts"][0], b"x" * 1000)
    answers = await asyncio.gather(
        *(live.client.post(f"/v1/uploads/{created['id']}/complete") for _ in range(5))
    )
    assert [answer.status_code for answer in answers] == [200] * 5
    async with live.database.project(live.project_id) as tx:
        assert len((await tx.scalars(select(Task))).all()) == 1


async def test_missing_parts_are_named(live: Live) -> None:
    created = await live.begin(3 * PART)
    await live.send(created["parts"][1], b"x" * PART)
    answer = await live.client.post(f"/v1/uploads/{created['id']}/complete")
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "upload_parts_missing"
    assert problem["missing"] == [1, 3]
    listed = (await live.client.get(f"/v1/uploads/{created['id']}/parts")).json()
    assert [part["number"] for part in listed["items"]] == [2]
    assert listed["missing"] == [1, 3]
    assert (await the_upload(live, created["id"])).state is UploadState.UPLOADING


async def test_a_break_is_survived_by_listing_what_arrived(live: Live) -> None:
    data = os.urandom(PART + 77)
    created = await live.begin(len(data))
    await live.send(created["parts"][0], data[:PART])
    missing = (await live.client.get(f"/v1/uploads/{created['id']}/parts")).json()["missing"]
    renewed = await live.client.post(
        f"/v1/uploads/{created['id']}/parts", json={"numbers": missing}
    )
    assert renewed.status_code == 200, renewed.text
    for part in renewed.json()["items"]:
        begin = (part["number"] - 1) * PART
        sent = await live.send(part, data[begin : begin + part["size_bytes"]])
        assert sent.status_code == 200
    done = await live.client.post(f"/v1/uploads/{created['id']}/complete")
    assert done.json()["state"] == "verifying"


async def test_a_crash_after_the_store_completed_is_repaired(live: Live) -> None:
    created = await live.begin(1000)
    sent = await live.send(created["parts"][0], b"x" * 1000)
    upload = await the_upload(live, created["id"])
    part = Part(1, 1000, sent.headers["etag"].strip('"'))
    # What the API did before it was killed: the store's half, without the commit.
    await live.store.complete_multipart(upload.object_key, str(upload.store_upload_id), [part])
    answer = await live.client.post(f"/v1/uploads/{created['id']}/complete")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "verifying"


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [(0, 422, "upload_empty"), (5 * GIB + 1, 413, "upload_too_large"), (5 * GIB, 201, None)],
)
async def test_sizes_at_the_limits(live: Live, size: int, status: int, code: str | None) -> None:
    answer = await live.client.post("/v1/uploads", json={"filename": "a.mp4", "size_bytes": size})
    assert answer.status_code == status, answer.text
    assert answer.json().get("code") == code
    if status == 201:
        assert len(answer.json()["parts"]) == 100


async def test_a_part_has_exactly_its_bytes(live: Live) -> None:
    created = await live.begin(PART + 10)
    larger = await live.send(created["parts"][1], b"x" * 11)
    smaller = await live.send(created["parts"][1], b"x" * 9)
    assert (larger.status_code, smaller.status_code) == (422, 422)
    assert larger.json()["code"] == "upload_part_invalid"
    listed = (await live.client.get(f"/v1/uploads/{created['id']}/parts")).json()
    assert listed["items"] == []


async def test_another_etag_than_the_stores_is_refused(live: Live) -> None:
    created = await live.begin(10)
    await live.send(created["parts"][0], b"x" * 10)
    claimed = {"parts": [{"number": 1, "etag": "another"}]}
    answer = await live.client.post(f"/v1/uploads/{created['id']}/complete", json=claimed)
    assert answer.status_code == 422
    assert answer.json()["code"] == "upload_part_invalid"


async def test_calling_off_removes_the_parts(live: Live) -> None:
    created = await live.begin(PART + 10)
    await live.send(created["parts"][0], b"x" * PART)
    for _ in range(2):
        answer = await live.client.delete(f"/v1/uploads/{created['id']}")
        assert answer.status_code == 204, answer.text
    assert [found async for found in live.store.list_multiparts("")] == []
    assert (await the_asset(live, created["asset_id"])).state is AssetState.DELETED
    late = await live.send(created["parts"][1], b"x" * 10)
    assert late.status_code == 404
    again = await live.client.post(f"/v1/uploads/{created['id']}/complete")
    assert (again.status_code, again.json()["code"]) == (409, "upload_state")


async def test_an_overdue_upload_expires_with_its_parts(live: Live) -> None:
    created = await live.begin(PART + 10)
    await live.send(created["parts"][0], b"x" * PART)
    async with live.database.project(live.project_id) as tx:
        assert not await service.expire(tx, created["id"], live.store)
        await tx.execute(update(Upload).values(deadline_at=text("now() - interval '1 s'")))
    async with live.database.project(live.project_id) as tx:
        assert await service.expire(tx, created["id"], live.store)
    asset = (await live.client.get(f"/v1/assets/{created['asset_id']}")).json()
    assert (asset["state"], asset["error"]["code"]) == ("failed", "upload_expired")
    assert [found async for found in live.store.list_multiparts("")] == []
    answer = await live.client.get(f"/v1/uploads/{created['id']}/parts")
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_expired")


async def test_parts_without_a_row_are_swept(live: Live) -> None:
    created = await live.begin(PART)
    await live.store.create_multipart("videos/ast_0.mp4", part_size=PART)
    for later, swept in [(timedelta(0), 0), (timedelta(hours=2), 1), (timedelta(hours=2), 0)]:
        async with live.database.dispatch() as tx:
            clock = partial(_now_and, later)
            assert await sweep_orphans(tx, live.store, clock=clock) == swept
    left = [found.key async for found in live.store.list_multiparts("")]
    assert left == [f"videos/{created['asset_id']}.mp4"]


def _now_and(later: timedelta) -> datetime:
    return utc_now() + later


async def test_a_wrong_checksum_fails_with_a_reason(live: Live) -> None:
    done = await live.upload(b"x" * 1000, sha256="0" * 64)
    async with live.database.project(live.project_id) as tx:
        assert not await finish_verification(tx, done["id"], sha256="1" * 64, size=1000)
    upload = (await live.client.get(f"/v1/uploads/{done['id']}")).json()
    assert (upload["state"], upload["error"]["code"]) == ("failed", "upload_checksum_mismatch")
    asset = (await live.client.get(f"/v1/assets/{done['asset_id']}")).json()
    assert "SHA-256" in asset["error"]["message"]
    retry = await live.client.post(f"/v1/assets/{done['asset_id']}/retry")
    assert (retry.status_code, retry.json()["code"]) == (409, "asset_state")


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\films\\night.mov", "night.mov"),
        ("a\u0000b.mp4", "ab.mp4"),
        ("\u202egpj.exe", "gpj.exe"),
        ("שלום.mp4", "שלום.mp4"),
        ("🎬.webm", "🎬.webm"),
        ("x" * 300 + ".mkv", "x" * 196 + ".mkv"),
        ("..", "video"),
    ],
)
async def test_names_are_kept_to_show_and_never_used(live: Live, filename: str, shown: str) -> None:
    created = await live.begin(10, filename=filename)
    assert created["filename"] == shown
    key = (await the_upload(live, created["id"])).object_key
    ending = shown.rpartition(".")[2] if "." in shown else "bin"
    ending = ending if ending in {"mp4", "mov", "webm", "mkv"} else "bin"
    assert key == f"videos/{created['asset_id']}.{ending}"


async def test_an_upload_is_of_its_project_alone(live: Live) -> None:
    created = await live.begin(10)
    stranger = live.headers(await add_project(live.database))
    for method, path in [
        ("GET", f"/v1/uploads/{created['id']}"),
        ("GET", f"/v1/uploads/{created['id']}/parts"),
        ("POST", f"/v1/uploads/{created['id']}/complete"),
        ("DELETE", f"/v1/uploads/{created['id']}"),
    ]:
        answer = await live.client.request(method, path, headers=stranger)
        assert answer.status_code == 404, path


async def test_fifty_creations_with_one_key_make_one_upload(live: Live) -> None:
    body = {"filename": "a.mp4", "size_bytes": 10}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(
        base_url=live.settings.public_url, headers=live.headers(), limits=limits, timeout=30
    ) as client:
        answers = await asyncio.gather(
            *(
                client.post("/v1/uploads", json=body, headers={"Idempotency-Key": "one"})
                for _ in range(50)
            )
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    async with live.database.project(live.project_id) as tx:
        assert len((await tx.scalars(select(Asset))).all()) == 1
