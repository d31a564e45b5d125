"""What every object store has to do; a store's own tests inherit this and make the store.

Nothing here knows how a store works: signed requests are made by `send` and `fetch`.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol, Self

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.foundation.storage.errors import AlreadyExists, Changed, InvalidKey, NotFound
from app.foundation.storage.local_files import as_local
from app.foundation.storage.protocols import ObjectStore, SignedRequest, Store

HOUR = timedelta(hours=1)
slow_fixture = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class Refused(Exception):
    """A signed request was not carried out, for whatever reason the store has for it."""


class Client(Protocol):
    """Whoever has a signed URL and nothing else."""

    async def send(self, request: SignedRequest, body: bytes) -> str:
        """Makes the request and gives the ETag of the answer; raises Refused."""

    async def fetch(self, url: str, *, byte_range: str | None = None) -> bytes:
        """The body of the answer; raises Refused."""


def some_bytes(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311  # the same bytes in every run


async def in_blocks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[start : start + size]


class Unread:
    """A body that must not be read."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        pytest.fail("the body was read")


async def contents(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([block async for block in store.read(key, start=start, end=end)])


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key async for info in store.list(prefix)]


class ObjectStoreContract:
    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def client(self) -> Client:
        raise NotImplementedError

    @pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3_333_333])
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_what_was_put_is_read(self, store: Store, size: int, streamed: bool) -> None:
        data = some_bytes(size)
        put = await store.put(
            "a/b.bin", in_blocks(data) if streamed else data, content_type="audio/x-test"
        )
        assert put.size == size
        assert put.content_type == "audio/x-test"
        assert (await store.head("a/b.bin")).etag == put.etag
        assert await contents(store, "a/b.bin") == data

    async def test_the_info_is_the_same_from_everywhere(self, store: Store) -> None:
        await store.put("a/b.txt", b"text", content_type="text/x-odd")
        head = await store.head("a/b.txt")
        assert head.content_type == "text/x-odd"
        assert [info.etag async for info in store.list("a/")] == [head.etag]

    async def test_putting_again_replaces_bytes_and_etag(self, store: Store) -> None:
        first = await store.put("a", b"one")
        second = await store.put("a", b"two")
        assert await contents(store, "a") == b"two"
        assert first.etag != second.etag

    async def test_equal_sizes_never_share_an_etag(self, store: Store) -> None:
        etags = [(await store.put("a", bytes([number]))).etag for number in range(30)]
        assert len(set(etags)) == len(etags)

    async def test_what_is_not_there(self, store: Store, tmp_path: Path) -> None:
        await store.put("there/too", b"")
        for key in ("gone", "there", "there/too/far"):
            with pytest.raises(NotFound):
                await store.head(key)
            with pytest.raises(NotFound):
                await contents(store, key)
            with pytest.raises(NotFound):
                await store.copy(key, "copy")
            with pytest.raises(NotFound):
                await store.download(key, tmp_path / "file")
            await store.delete(key)
        assert await keys(store, "") == ["there/too"]

    @slow_fixture
    @given(
        size=st.integers(0, 30),
        start=st.integers(0, 40),
        end=st.none() | st.integers(0, 40),
    )
    async def test_any_range(self, store: Store, size: int, start: int, end: int | None) -> None:
        data = some_bytes(size)
        await store.put("a", data)
        assert await contents(store, "a", start, end) == data[start:end]

    async def test_a_range_over_many_blocks(self, store: Store) -> None:
        data = some_bytes(3_500_000)
        await store.put("a", data)
        assert await contents(store, "a", 999_999, 3_200_001) == data[999_999:3_200_001]

    @slow_fixture
    @given(key=st.text(st.characters() | st.sampled_from("./\\~*?%& "), max_size=20))
    async def test_any_name_is_a_key_or_refused(self, store: Store, key: str) -> None:
        await store.delete_prefix("")
        try:
            await store.put(key, key.encode("utf-8", "replace"))
        except InvalidKey:
            with pytest.raises(InvalidKey):
                await store.head(key)
            return
        assert await keys(store, "") == [key]
        assert await contents(store, key) == key.encode()

    @slow_fixture
    @given(
        names=st.sets(
            st.lists(
                st.sampled_from(["a", "b", "a-b", "a!", "ab", "é", "\uffe6", "\U0001f39e"]),
                min_size=1,
            )
            .filter(lambda parts: len(parts) < 4)
            .map("/".join),
            max_size=8,
        ),
        prefix=st.sampled_from(["", "a", "a/", "a-", "a/b", "a/b/", "b/a", "z"]),
    )
    async def test_a_list_is_ordered_and_complete(
        self, store: Store, names: set[str], prefix: str
    ) -> None:
        assume(not any(other.startswith(f"{name}/") for name in names for other in names))
        await store.delete_prefix("")
        for name in names:
            await store.put(name, b"")
        wanted = sorted((name for name in names if name.startswith(prefix)), key=str.encode)
        assert await keys(store, prefix) == wanted
        assert await store.delete_prefix(prefix) == len(wanted)
        assert set(await keys(store, "")) == names - set(wanted)

    async def test_no_key_is_the_folder_of_another(self, store: Store) -> None:
        await store.put("a/b", b"")
        for key in ("a", "a/b/c", "a/b/c/d"):
            for if_absent in (False, True):
                with pytest.raises(InvalidKey):
                    await store.put(key, b"", if_absent=if_absent)
        assert await keys(store, "") == ["a/b"]

    async def test_if_absent_has_one_winner(self, store: Store) -> None:
        async def attempt(number: int) -> int | None:
            try:
                await store.put("a/one", b"%d" % number, if_absent=True)
            except AlreadyExists:
                return None
            return number

        winners = [
            number
            for number in await asyncio.gather(*map(attempt, range(20)))
            if number is not None
        ]
        assert len(winners) == 1
        assert await contents(store, "a/one") == b"%d" % winners[0]

    async def test_of_writers_at_once_one_is_whole(self, store: Store) -> None:
        bodies = [some_bytes(1_500_000, seed) for seed in range(4)]
        await asyncio.gather(*(store.put("a", in_blocks(body)) for body in bodies))
        assert await contents(store, "a") in bodies

    async def test_a_reader_keeps_its_version(self, store: Store) -> None:
        old = some_bytes(3_000_000)
        await store.put("a", old)
        reader = store.read("a")
        read = [await anext(reader)]
        await store.put("a", b"new")
        read += [block async for block in reader]
        assert b"".join(read) == old

    async def test_a_reader_may_insist_on_a_version(self, store: Store) -> None:
        info = await store.put("a", b"old")
        assert [block async for block in store.read("a", if_match=info.etag)] == [b"old"]
        await store.put("a", b"new")
        with pytest.raises(Changed):
            await anext(store.read("a", if_match=info.etag))

    @pytest.mark.parametrize("large", [10, 3_000_000])
    async def test_a_body_that_breaks_off_leaves_nothing(self, store: Store, large: int) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield some_bytes(large)
            raise ConnectionError("the client is gone")

        await store.put("a", b"before")
        for key in ("a", "b"):
            with pytest.raises(ConnectionError):
                await store.put(key, broken())
        assert await keys(store, "") == ["a"]
        assert await contents(store, "a") == b"before"

    async def test_a_cancelled_put_leaves_nothing(self, store: Store) -> None:
        started = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(500_000)
                started.set()
                await asyncio.sleep(0)

        task = asyncio.create_task(store.put("a", endless()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await keys(store, "") == []

    @pytest.mark.parametrize("consume", [False, True])
    async def test_a_file_is_put(self, store: Store, tmp_path: Path, consume: bool) -> None:
        path = tmp_path / "file"
        path.write_bytes(some_bytes(2_000_000))
        info = await store.put_file("a/b", path, content_type="image/png", consume=consume)
        assert (info.size, info.content_type) == (2_000_000, "image/png")
        assert path.exists() != consume
        path.write_bytes(b"written later")
        assert await contents(store, "a/b") == some_bytes(2_000_000)

    async def test_copy_and_download(self, store: Store, tmp_path: Path) -> None:
        data = some_bytes(2_000_000)
        await store.put("a", data, content_type="image/png")
        copied = await store.copy("a", "b/c")
        assert (copied.size, copied.content_type) == (len(data), "image/png")
        await store.delete("a")
        await store.download("b/c", tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == data
        assert (await as_local(store, "b/c", tmp_path)).read_bytes() == data

    async def test_deleting_twice_is_once(self, store: Store) -> None:
        await store.put("a/b", b"")
        await store.delete("a/b", "a/b", "a/c")
        await store.delete("a/b")
        await store.delete()
        assert await keys(store, "") == []

    async def test_it_is_ready(self, store: Store) -> None:
        await store.check()

    async def test_a_signed_url_reads_one_object(self, store: Store, client: Client) -> None:
        data = some_bytes(100)
        await store.put("a/ü b.bin", data)
        await store.put("a/c", b"another")
        url = store.sign_get("a/ü b.bin", expires=HOUR, filename='Ä "quoted".bin')
        assert await client.fetch(url) == data
        assert await client.fetch(url, byte_range="bytes=10-19") == data[10:20]
        with pytest.raises(Refused):
            await client.fetch(store.sign_get("a/c", expires=-HOUR))
        with pytest.raises(Refused):
            await client.fetch(store.sign_get("a/gone", expires=HOUR))

    async def test_a_signed_put_stores_exactly_its_size(self, store: Store, client: Client) -> None:
        data = some_bytes(2_000_000)
        request = store.sign_put("a", expires=HOUR, size=len(data), content_type="image/png")
        with pytest.raises(Refused):
            await client.send(request, data + b"x")
        with pytest.raises(Refused):
            await client.send(request, data[:-1])
        assert await keys(store, "") == []
        etag = await client.send(request, data)
        head = await store.head("a")
        assert (head.etag, head.content_type) == (etag, "image/png")
        assert hashlib.sha256(await contents(store, "a")).digest() == hashlib.sha256(data).digest()
