"""What is special about objects on S3."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.foundation.storage.errors import AlreadyExists, Changed, StoreError, StoreUnavailable
from app.foundation.storage.s3 import S3Store
from app.foundation.storage.s3_copies import copy_object
from app.foundation.storage.s3_parted import PART_BYTES
from app.seams import make_s3_store
from app.settings import Settings
from tests.integration.storage.contract import HOUR, Refused, contents, in_blocks, keys, some_bytes
from tests.integration.storage.s3_stores import HttpClient
from tests.servers.fault_proxy import FaultProxy
from tests.servers.versitygw import ObjectServer

MIB = 1024 * 1024
LARGE = 512 * MIB
ALLOWED = 32 * MIB


@pytest.fixture
def store(s3_settings: Settings) -> Iterator[S3Store]:
    store = make_s3_store(s3_settings)
    yield store
    store.close()


@pytest.fixture
def proxy(object_server: ObjectServer) -> Iterator[FaultProxy]:
    with FaultProxy(object_server.host, object_server.port, seed=3) as running:
        yield running


@pytest.fixture
def harmed(s3_settings: Settings, proxy: FaultProxy) -> Iterator[S3Store]:
    """The same store behind the proxy, with tries enough for what the proxy does."""
    changes = {"s3_endpoint_url": proxy.url, "s3_attempts": 12}
    store = make_s3_store(s3_settings.model_copy(update=changes))
    yield store
    store.close()


def requests_of(store: S3Store) -> list[tuple[str, dict[str, str]]]:
    """Every request from now on: its method and its headers."""
    seen: list[tuple[str, dict[str, str]]] = []

    def note(request: Any, **_: object) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        seen.append((f"{request.method} {request.url}", headers))

    store._requests.client.meta.events.register("before-send.s3", note)
    return seen


async def test_new_objects_are_encrypted_with_the_key(
    s3_settings: Settings, tmp_path: Path
) -> None:
    changes = {"s3_kms_key_id": "alias/spool"}
    store = make_s3_store(s3_settings.model_copy(update=changes))
    seen = requests_of(store)
    large = tmp_path / "large"
    large.write_bytes(bytes(PART_BYTES + 1))
    with suppress(StoreError):
        await store.put("a", b"x")
    with suppress(StoreError):
        await store.put_file("b", large)
    with suppress(StoreError):
        await store.create_multipart("videos/c.mp4")
    encrypted = [headers for line, headers in seen if "uploads" in line or line.endswith("/a")]
    assert len(encrypted) == 3
    for headers in encrypted:
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/spool"
        assert headers["x-amz-server-side-encryption-bucket-key-enabled"] == "true"
    signed = store.sign_put("d", expires=HOUR, size=1)
    assert signed.headers["x-amz-server-side-encryption"] == "aws:kms"
    store.close()


async def test_every_body_has_a_checksum(store: S3Store, tmp_path: Path) -> None:
    seen = requests_of(store)
    large = tmp_path / "large"
    large.write_bytes(some_bytes(PART_BYTES + 5))
    await store.put("a", b"x")
    await store.put_file("b", large)
    bodies = [headers for line, headers in seen if line.startswith("PUT")]
    assert len(bodies) == 3
    assert all(headers["x-amz-checksum-crc32"] for headers in bodies)


async def test_a_signed_request_is_for_nothing_else(store: S3Store) -> None:
    client = HttpClient()
    await store.put("a", b"secret")
    get = store.sign_get("a", expires=HOUR)
    upload_id = await store.create_multipart("videos/p")
    part = store.sign_part("videos/p", upload_id, 1, expires=HOUR, size=3)
    for method, url, body in (
        ("PUT", get, b"x"),
        ("DELETE", get, b""),
        ("GET", get.replace("/a?", "/b?"), b""),
        ("GET", get[:-1] + ("0" if get[-1] != "0" else "1"), b""),
        ("PUT", part.url.replace("partNumber=1", "partNumber=2"), b"abc"),
        ("PUT", part.url, b"abcd"),
        ("PUT", part.url, b"ab"),
    ):
        with pytest.raises(Refused):
            await client.ask(method, url, content=body)
    assert await contents(store, "a") == b"secret"
    assert await store.list_parts("videos/p", upload_id) == []
    await client.send(part, b"abc")


async def test_buckets_look_like_one(store: S3Store, s3_settings: Settings) -> None:
    names = ["images/x", "metadata/x", "renditions/x", "videos/x"]
    for name in reversed(names):
        await store.put(name, name.encode(), content_type="video/mp4")
    assert await keys(store, "") == names
    copied = await store.copy("videos/x", "renditions/y")
    assert copied.content_type == "video/mp4"
    assert await contents(store, "renditions/y") == b"videos/x"
    buckets = store._requests.buckets
    assert buckets.of("renditions/y") == s3_settings.s3_media_bucket != buckets.of("videos/x")
    assert await store.delete_prefix("") == 5


async def test_many_objects_are_listed_and_deleted(store: S3Store) -> None:
    names = [f"many/{number:04}" for number in range(1050)]
    await asyncio.gather(*(store.put(name, b"") for name in names))
    assert await keys(store, "many/") == names
    assert await store.delete_prefix("many/") == len(names)
    assert await keys(store, "") == []


async def test_a_large_copy_is_made_in_parts(store: S3Store) -> None:
    seen = requests_of(store)
    small_parts = S3Store(store._requests, copy_part_bytes=5 * MIB)
    for size, parts in ((5 * MIB, 0), (5 * MIB + 1, 2), (11 * MIB + 3, 3)):
        data = some_bytes(size)
        await store.put("videos/a", data, content_type="video/mp4")
        seen.clear()
        info = await small_parts.copy("videos/a", "renditions/b")
        assert sum("partNumber=" in line for line, _ in seen) == parts
        assert info.etag == (await store.head("renditions/b")).etag
        assert (info.size, info.content_type) == (size, "video/mp4")
        assert await contents(store, "renditions/b") == data


@pytest.mark.parametrize("part_bytes", [5 * MIB, 50 * MIB])
async def test_what_was_replaced_is_not_copied(store: S3Store, part_bytes: int) -> None:
    await store.put("videos/a", bytes(6 * MIB))
    known = await store.head("videos/a")
    await store.put("videos/a", some_bytes(6 * MIB))
    with pytest.raises(Changed):
        await copy_object(store._requests, known, "renditions/b", part_bytes)
    assert await keys(store, "renditions/") == []
    assert [lost async for lost in store.list_multiparts("renditions/")] == []


async def test_the_folder_for_bodies_is_made(s3_settings: Settings, tmp_path: Path) -> None:
    scratch = tmp_path / "not" / "there"
    store = make_s3_store(s3_settings.model_copy(update={"scratch_root": scratch}))
    await store.put("a", in_blocks(b"streamed"))
    assert await contents(store, "a") == b"streamed"
    assert list(scratch.iterdir()) == []
    store.close()


async def test_a_lost_answer_is_not_somebody_else(harmed: S3Store, proxy: FaultProxy) -> None:
    """A conditional write that was carried out, and told so nobody, is found to be its own."""
    proxy.cut_share = 0.4
    for number in range(15):
        await harmed.put(f"once/{number}", b"mine", if_absent=True)
    assert proxy.counts["cut"] > 3
    proxy.heal()
    with pytest.raises(AlreadyExists):
        await harmed.put("once/0", b"other", if_absent=True)
    assert await contents(harmed, "once/0") == b"mine"


async def test_what_breaks_off_goes_on(harmed: S3Store, proxy: FaultProxy, tmp_path: Path) -> None:
    data = some_bytes(40 * MIB)
    path = tmp_path / "file"
    path.write_bytes(data)
    proxy.cut_share, proxy.reset_share, proxy.error_share = 0.2, 0.1, 0.1
    await harmed.put_file("a", path)
    assert await contents(harmed, "a") == data
    await harmed.download("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data
    assert proxy.counts["cut"] + proxy.counts["reset"] > 2
    proxy.heal()
    # An upload that was begun, and whose answer was lost, is nobody's: it is left to the sweep.
    for lost in [each async for each in harmed.list_multiparts("")]:
        assert await harmed.list_parts(lost.key, lost.upload_id) == []


async def test_a_store_that_is_down_is_unavailable(harmed: S3Store, proxy: FaultProxy) -> None:
    # Botocore waits longer and longer between its tries.
    harmed._requests.budget._left = 2
    proxy.down = True
    with pytest.raises(StoreUnavailable):
        await harmed.check()
    assert proxy.requests <= 4
    proxy.down = False


@pytest.mark.slow
async def test_memory_stays_flat(store: S3Store, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGE)
    process = psutil.Process()
    before = peak = process.memory_full_info().uss
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, process.memory_full_info().uss)
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), timedelta(seconds=0.05).total_seconds())

    watching = asyncio.create_task(watch())
    await store.put_file("a", path, consume=True)
    await store.download("a", tmp_path / "copy")
    done.set()
    await watching
    assert (tmp_path / "copy").stat().st_size == LARGE
    print(f"{(peak - before) / MIB:+.1f} MiB")
    assert peak - before < ALLOWED
