"""Whole files in one request."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.assets.models import Asset, AssetState
from app.jobs.models import Task
from app.settings import Settings
from app.uploads.models import Upload, UploadState
from tests.conftest import make_settings
from tests.integration.api.live import Live

LIMIT = 300_000
SIMPLE = "/v1/uploads/simple?filename=film.mov"


@pytest.fixture
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("simple")
    return make_settings(database_url, folder, simple_upload_max_bytes=LIMIT)


async def in_blocks(data: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


async def the_rows(live: Live) -> list[tuple[Upload, Asset]]:
    async with live.database.project(live.project_id) as tx:
        found = await tx.execute(select(Upload, Asset).join(Asset, Asset.id == Upload.asset_id))
        return [(row[0], row[1]) for row in found]


async def read(live: Live, key: str) -> bytes:
    return b"".join([block async for block in live.store.read(key)])


async def test_a_body_becomes_a_source(live: Live) -> None:
    data = os.urandom(LIMIT)
    answer = await live.client.post(
        SIMPLE + "&title=Night", content=data, headers={"Content-Type": "video/quicktime"}
    )
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert (upload["state"], upload["method"]) == ("verifying", "simple")
    assert (upload["size_bytes"], upload["content_type"]) == (LIMIT, "video/quicktime")
    assert await read(live, f"videos/{upload['asset_id']}.mov") == data
    asset = (await live.client.get(f"/v1/assets/{upload['asset_id']}")).json()
    assert (asset["state"], asset["title"]) == ("ingesting", "Night")
    async with live.database.project(live.project_id) as tx:
        assert (await tx.scalars(select(Task.kind))).all() == ["ingest"]


async def test_a_body_of_unknown_length_is_taken(live: Live) -> None:
    data = os.urandom(123_456)
    answer = await live.client.post(SIMPLE, content=in_blocks(data))
    assert answer.status_code == 201, answer.text
    assert answer.json()["size_bytes"] == len(data)


@pytest.mark.parametrize("title_first", [True, False])
async def test_a_form_with_a_file(live: Live, title_first: bool) -> None:
    data = os.urandom(100_000)
    title = (
        b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\n' + "Été".encode() + b"\r\n"
    )
    file = (
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.webm"\r\n'
        b"Content-Type: video/webm\r\n\r\n" + data + b"\r\n"
    )
    body = (title + file if title_first else file + title) + b"--edge--\r\n"
    answer = await live.client.post(
        "/v1/uploads/simple",
        content=in_blocks(body, 999),
        headers={"Content-Type": "multipart/form-data; boundary=edge"},
    )
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert (upload["filename"], upload["content_type"]) == ("a.webm", "video/webm")
    assert await read(live, f"videos/{upload['asset_id']}.webm") == data
    asset = (await live.client.get(f"/v1/assets/{upload['asset_id']}")).json()
    assert asset["title"] == "Été"


async def test_too_much_by_its_own_word_is_refused_before_it_is_sent(live: Live) -> None:
    """The client announces, and waits for the answer before it sends a byte of the body."""
    target = urlsplit(live.settings.public_url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    head = [
        f"POST {SIMPLE} HTTP/1.1",
        f"Host: {target.netloc}",
        f"Content-Length: {LIMIT + 1}",
        *(f"{name}: {value}" for name, value in live.headers().items()),
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    async with asyncio.timeout(5):
        answer = (await reader.readuntil(b"\r\n")).decode()
    writer.close()
    assert " 413 " in answer
    assert await the_rows(live) == []


async def test_too_much_without_a_word_is_cut_off(live: Live) -> None:
    answer = await live.client.post(SIMPLE, content=in_blocks(b"x" * (LIMIT + 1)))
    assert answer.status_code == 413, answer.text
    [(upload, asset)] = await the_rows(live)
    assert (upload.state, asset.state) == (UploadState.FAILED, AssetState.FAILED)
    assert asset.error_code == "upload_too_large"
    assert [found async for found in live.store.list("")] == []


async def test_no_bytes_are_no_file(live: Live) -> None:
    answer = await live.client.post(SIMPLE, content=b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "upload_empty")
    assert [found async for found in live.store.list("")] == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=edge", b"nothing of a form", 400),
        ("multipart/form-data", b"--edge--\r\n", 400),
        (
            "multipart/form-data; boundary=edge",
            b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--edge--\r\n',
            422,
        ),
    ],
)
async def test_broken_forms_are_refused(
    live: Live, content_type: str, body: bytes, status: int
) -> None:
    answer = await live.client.post(
        "/v1/uploads/simple", content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == status, answer.text


async def test_a_broken_off_body_waits_for_its_expiry(live: Live) -> None:
    target = urlsplit(live.settings.public_url)
    sock = socket.create_connection((target.hostname or "", target.port or 0))
    head = [
        f"POST {SIMPLE} HTTP/1.1",
        f"Host: {target.netloc}",
        f"Content-Length: {LIMIT}",
        *(f"{name}: {value}" for name, value in live.headers().items()),
    ]
    await asyncio.to_thread(sock.sendall, "\r\n".join([*head, "", ""]).encode() + b"x" * 1000)
    async with asyncio.timeout(5):
        while not (rows := await the_rows(live)):  # noqa: ASYNC110  # a row is no event
            await asyncio.sleep(0.02)
    sock.close()
    # The next request is served after the broken one was noticed, or beside it: either is right.
    assert (await live.client.get("/v1/assets")).status_code == 200
    [(upload, asset)] = rows
    assert (upload.state, asset.state) == (UploadState.UPLOADING, AssetState.CREATED)
    assert [found async for found in live.store.list("")] == []


async def test_a_repeated_key_makes_one_video(live: Live) -> None:
    data = os.urandom(200_000)

    async def send() -> tuple[int, str, str | None]:
        answer = await live.client.post(SIMPLE, content=data, headers={"Idempotency-Key": "k"})
        return (
            answer.status_code,
            answer.json()["asset_id"],
            answer.headers.get("Idempotency-Replayed"),
        )

    at_once = await asyncio.gather(*(send() for _ in range(4)))
    later = await send()
    answers = [*at_once, later]
    assert {(status, asset_id) for status, asset_id, _ in answers} == {(201, answers[0][1])}
    assert later[2] == "true"
    states = sorted(asset.state for _, asset in await the_rows(live))
    assert states.count(AssetState.INGESTING) == 1
    assert set(states) <= {AssetState.INGESTING, AssetState.DELETED}
    assert len([found async for found in live.store.list("videos/")]) == 1
