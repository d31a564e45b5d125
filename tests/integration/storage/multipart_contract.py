"""What every store has to do with objects in parts."""

import asyncio
from collections.abc import Sequence

import pytest

from app.foundation.storage.errors import (
    NoSuchUpload,
    NotFound,
    PartMismatch,
    PartMissing,
    PartTooSmall,
)
from app.foundation.storage.protocols import MIN_PART_BYTES, MultipartUpload, Part, Store
from tests.integration.storage.contract import HOUR, Client, Refused, contents, keys, some_bytes

KEY = "in/parts.bin"
PART = MIN_PART_BYTES


async def unfinished(store: Store, prefix: str = "") -> list[MultipartUpload]:
    return [upload async for upload in store.list_multiparts(prefix)]


class MultipartContract:
    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def reopened(self) -> Store:
        """The same store, as another process would see it."""
        raise NotImplementedError

    @pytest.fixture
    def client(self) -> Client:
        raise NotImplementedError

    async def send(
        self, store: Store, client: Client, upload_id: str, number: int, data: bytes
    ) -> Part:
        request = store.sign_part(KEY, upload_id, number, expires=HOUR, size=len(data))
        return Part(number, len(data), await client.send(request, data))

    @pytest.mark.parametrize("part_size", [PART, None])
    async def test_parts_in_any_order_and_at_once(
        self, store: Store, client: Client, part_size: int | None
    ) -> None:
        data = some_bytes(3 * PART + 12_345)
        upload_id = await store.create_multipart(KEY, content_type="image/png", part_size=part_size)
        bodies = {1 + at // PART: data[at : at + PART] for at in range(0, len(data), PART)}
        order = sorted(bodies, key=lambda number: -number % 3)
        parts = await asyncio.gather(
            *(self.send(store, client, upload_id, number, bodies[number]) for number in order)
        )
        listed = await store.list_parts(KEY, upload_id)
        assert listed == sorted(parts, key=lambda part: part.number)
        with pytest.raises(NotFound):
            await store.head(KEY)
        info = await store.complete_multipart(KEY, upload_id, listed)
        assert (info.size, info.content_type) == (len(data), "image/png")
        assert (await store.head(KEY)).etag == info.etag
        assert await contents(store, KEY) == data

    @pytest.mark.parametrize("part_size", [PART, 2 * PART, None])
    @pytest.mark.parametrize(
        ("sizes", "chosen"),
        [
            ({1: PART, 2: PART + 7, 3: PART, 4: 10}, [1, 2, 3, 4]),
            ({1: PART, 2: PART, 3: PART, 4: 10}, [1, 3, 4]),
            ({2: PART, 7: PART, 10_000: 1}, [2, 7, 10_000]),
            ({1: PART, 2: PART, 3: 9}, [1, 2]),
            ({1: PART, 2: 0}, [1, 2]),
            ({1: 3}, [1]),
        ],
    )
    async def test_parts_of_any_size_and_number(
        self,
        store: Store,
        client: Client,
        part_size: int | None,
        sizes: dict[int, int],
        chosen: Sequence[int],
    ) -> None:
        bodies = {number: some_bytes(size, number) for number, size in sizes.items()}
        upload_id = await store.create_multipart(KEY, part_size=part_size)
        parts = {
            number: await self.send(store, client, upload_id, number, body)
            for number, body in bodies.items()
        }
        await store.complete_multipart(KEY, upload_id, [parts[number] for number in chosen])
        assert await contents(store, KEY) == b"".join(bodies[number] for number in chosen)

    async def test_a_part_sent_again_replaces_the_first(self, store: Store, client: Client) -> None:
        first, second, end = (some_bytes(PART, seed) for seed in (1, 2, 3))
        upload_id = await store.create_multipart(KEY, part_size=PART)
        before = await self.send(store, client, upload_id, 1, first)
        last = await self.send(store, client, upload_id, 2, end)
        after = await self.send(store, client, upload_id, 1, second)
        assert await store.list_parts(KEY, upload_id) == [after, last]
        with pytest.raises(PartMismatch):
            await store.complete_multipart(KEY, upload_id, [before, last])
        await store.complete_multipart(KEY, upload_id, [after, last])
        assert await contents(store, KEY) == second + end

    async def test_a_part_sent_again_unchanged_changes_nothing(
        self, store: Store, client: Client
    ) -> None:
        data = some_bytes(PART)
        upload_id = await store.create_multipart(KEY, part_size=PART)
        once = await self.send(store, client, upload_id, 1, data)
        assert await self.send(store, client, upload_id, 1, data) == once
        await store.complete_multipart(KEY, upload_id, [once])
        assert await contents(store, KEY) == data

    async def test_a_body_of_the_wrong_size_never_counts(
        self, store: Store, client: Client
    ) -> None:
        data = some_bytes(PART)
        upload_id = await store.create_multipart(KEY, part_size=PART)
        whole = await self.send(store, client, upload_id, 1, data)
        for number in (1, 2):
            request = store.sign_part(KEY, upload_id, number, expires=HOUR, size=PART)
            for body in (some_bytes(PART - 1, 9), some_bytes(PART + 1, 9)):
                with pytest.raises(Refused):
                    await client.send(request, body)
        assert await store.list_parts(KEY, upload_id) == [whole]
        await store.complete_multipart(KEY, upload_id, [whole])
        assert await contents(store, KEY) == data

    async def test_what_cannot_be_completed_can_be_mended(
        self, store: Store, client: Client
    ) -> None:
        upload_id = await store.create_multipart(KEY, part_size=PART)
        small = await self.send(store, client, upload_id, 1, b"small")
        other = await self.send(store, client, upload_id, 2, b"other")
        with pytest.raises(PartTooSmall):
            await store.complete_multipart(KEY, upload_id, [small, other])
        with pytest.raises(PartMissing):
            await store.complete_multipart(KEY, upload_id, [])
        with pytest.raises(PartMissing):
            await store.complete_multipart(KEY, upload_id, [Part(3, 1, "x")])
        with pytest.raises(PartMismatch):
            await store.complete_multipart(KEY, upload_id, [other, small])
        with pytest.raises(PartMismatch):
            await store.complete_multipart(KEY, upload_id, [Part(1, 5, "x")])
        large = await self.send(store, client, upload_id, 1, some_bytes(PART))
        await store.complete_multipart(KEY, upload_id, [large, other])
        assert await contents(store, KEY) == some_bytes(PART) + b"other"

    async def test_parts_are_known_after_a_restart(
        self, store: Store, reopened: Store, client: Client
    ) -> None:
        upload_id = await store.create_multipart(KEY, part_size=PART)
        part = await self.send(store, client, upload_id, 2, b"the end")
        assert await reopened.list_parts(KEY, upload_id) == [part]
        assert [upload.upload_id for upload in await unfinished(reopened)] == [upload_id]
        await reopened.complete_multipart(KEY, upload_id, [part])
        assert await contents(store, KEY) == b"the end"

    async def test_nothing_can_be_done_with_it_once_it_is_over(
        self, store: Store, client: Client
    ) -> None:
        completed = await store.create_multipart(KEY, part_size=PART)
        part = await self.send(store, client, completed, 1, b"all")
        await store.complete_multipart(KEY, completed, [part])
        aborted = await store.create_multipart(KEY)
        await self.send(store, client, aborted, 1, b"all")
        await store.abort_multipart(KEY, aborted)
        for upload_id in (completed, aborted, "never", "../../etc", "0" * 32):
            with pytest.raises(NoSuchUpload):
                await store.list_parts(KEY, upload_id)
            with pytest.raises(NoSuchUpload):
                await store.complete_multipart(KEY, upload_id, [part])
            with pytest.raises(Refused):
                await self.send(store, client, upload_id, 1, b"more")
            await store.abort_multipart(KEY, upload_id)
        assert await unfinished(store) == []
        assert await contents(store, KEY) == b"all"

    async def test_of_completions_at_once_one_succeeds(self, store: Store, client: Client) -> None:
        upload_id = await store.create_multipart(KEY)
        part = await self.send(store, client, upload_id, 1, some_bytes(PART))
        outcomes = await asyncio.gather(
            *(store.complete_multipart(KEY, upload_id, [part]) for _ in range(5)),
            return_exceptions=True,
        )
        failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(failed) < len(outcomes)
        assert {type(outcome) for outcome in failed} <= {NoSuchUpload}, failed
        assert await contents(store, KEY) == some_bytes(PART)

    async def test_an_upload_belongs_to_its_key(self, store: Store, client: Client) -> None:
        upload_id = await store.create_multipart(KEY)
        part = await self.send(store, client, upload_id, 1, b"x")
        with pytest.raises(NoSuchUpload):
            await store.list_parts("other", upload_id)
        with pytest.raises(NoSuchUpload):
            await store.complete_multipart("other", upload_id, [part])
        await store.abort_multipart("other", upload_id)
        assert await store.list_parts(KEY, upload_id) == [part]

    async def test_unfinished_uploads_are_no_objects(self, store: Store) -> None:
        first = await store.create_multipart("x/1")
        second = await store.create_multipart("x/2")
        third = await store.create_multipart("y")
        assert [upload.upload_id for upload in await unfinished(store, "x/")] == [first, second]
        assert [upload.key for upload in await unfinished(store)] == ["x/1", "x/2", "y"]
        assert await keys(store, "") == []
        await store.abort_multipart("y", third)
        assert len(await unfinished(store)) == 2

    async def test_a_request_for_one_part_is_for_no_other(
        self, store: Store, client: Client
    ) -> None:
        upload_id = await store.create_multipart(KEY)
        request = store.sign_part(KEY, upload_id, 1, expires=-HOUR, size=1)
        with pytest.raises(Refused):
            await client.send(request, b"x")
        assert await store.list_parts(KEY, upload_id) == []
