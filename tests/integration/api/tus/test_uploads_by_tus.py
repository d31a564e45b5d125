"""Uploads by tus are uploads: what they become, how they end, and what harms them on the way."""

import asyncio
import hashlib
import os
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text, update

from app.assets.deletion import erase, remains_of
from app.assets.models import AssetState
from app.foundation.clock import utc_now
from app.foundation.errors import Locked
from app.foundation.storage.errors import StoreUnavailable
from app.foundation.storage.protocols import Store
from app.jobs.models import Task
from app.uploads import service
from app.uploads.models import Upload, UploadState
from app.uploads.orphans import sweep_tus
from app.uploads.states import OPEN
from app.uploads.tus_append import Appending
from app.uploads.tus_join import join_pieces, pieces_of
from app.uploads.tus_service import look, settle_if_tus
from tests.integration.api.live import PART, Live
from tests.integration.api.tus.dying import Failing, hold_of, once, run_out
from tests.integration.api.tus.speaking import (
    CHUNK,
    Tus,
    id_of,
    left_in_store,
    metadata,
    rows_of,
    source_of,
)


async def test_an_upload_in_many_pieces_is_the_file(tus: Tus, live: Live) -> None:
    data = os.urandom(2 * PART + 777)
    digest = hashlib.sha256(data).hexdigest()
    place = await tus.begin(len(data), Upload_Metadata=metadata(filename="a.mp4", sha256=digest))
    ends = [1, 1000, PART - 1, PART, PART + 1, 2 * PART, len(data)]
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        answer = await tus.append(place, begin, data[begin:end])
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(end))
        assert len(await left_in_store(live)) <= 1
    upload, _, asset = await rows_of(live, place)
    assert asset is not None
    assert (upload.state, upload.method, upload.sha256) == (UploadState.VERIFYING, "tus", digest)
    assert (asset.state, asset.source_bytes) == (AssetState.INGESTING, len(data))
    assert upload.object_key == f"videos/{asset.id}.mp4"
    assert await source_of(live, place) == data
    assert await left_in_store(live) == []
    async with live.database.project(live.project_id) as tx:
        assert (await tx.scalars(select(Task.kind))).all() == ["ingest"]


async def test_it_is_seen_like_other_uploads(tus: Tus, live: Live) -> None:
    place = await tus.begin(10)
    await tus.append(place, 0, b"1234")
    path = f"/v1/uploads/{id_of(place)}"
    view = (await live.client.get(path)).json()
    assert (view["method"], view["state"], view["size_bytes"]) == ("tus", "uploading", 10)
    assert view["expires_at"] is not None
    # Its parts are not the client's to send or to complete.
    assert (await live.client.post(f"{path}/complete")).status_code == 409
    assert (await live.client.post(f"{path}/parts", json={"numbers": [1]})).status_code == 409
    partial_view = await live.client.get(
        f"/v1/uploads/{id_of(await tus.begin(4, Upload_Concat='partial'))}"
    )
    assert partial_view.json()["asset_id"] is None
    assert (await live.client.delete(path)).status_code == 204
    assert (await tus.look(place)).status_code == 410


async def test_a_last_answer_that_was_lost_is_given_again(tus: Tus) -> None:
    place = await tus.begin(4)
    await tus.append(place, 0, b"1234")
    answer = await tus.append(place, 4, b"")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "4")
    assert (await tus.append(place, 0, b"1234")).status_code == 409
    assert await tus.offset(place) == 4
    assert (await tus.terminate(place)).status_code == 409


async def open_patch(live: Live, place: str, offset: int, announced: int) -> asyncio.StreamWriter:
    """The head of a PATCH whose body the test sends as it likes."""
    target = urlsplit(place)
    _, writer = await asyncio.open_connection(target.hostname, target.port)
    head = [
        f"PATCH {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        "Tus-Resumable: 1.0.0",
        f"Content-Type: {CHUNK}",
        f"Upload-Offset: {offset}",
        f"Content-Length: {announced}",
        *(f"{name}: {value}" for name, value in live.headers().items()),
    ]
    writer.write("\r\n".join([*head, "", ""]).encode())
    await writer.drain()
    return writer


async def lease_of(live: Live, place: str) -> bool:
    _, tus, _ = await rows_of(live, place)
    return tus.lease_until is not None


async def until_leased(live: Live, place: str, leased: bool) -> None:
    async with asyncio.timeout(15):
        while await lease_of(live, place) is not leased:  # noqa: ASYNC110  # a row tells nobody
            await asyncio.sleep(0.02)


async def until_arrived(live: Live, place: str) -> None:
    """The lease ends before that: completing is another step."""
    async with asyncio.timeout(15):
        while (await rows_of(live, place))[0].state in OPEN:  # noqa: ASYNC110  # a row tells nobody
            await asyncio.sleep(0.02)


async def test_what_came_before_a_break_is_kept(tus: Tus, live: Live) -> None:
    data = os.urandom(2 * PART)
    place = await tus.begin(len(data))
    sent = PART + 300_000
    writer = await open_patch(live, place, 0, len(data))
    writer.write(data[:sent])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await until_leased(live, place, True)
    await until_leased(live, place, False)
    offset = await tus.offset(place)
    assert PART <= offset <= sent
    assert (await tus.append(place, offset, data[offset:])).status_code == 204
    assert await source_of(live, place) == data


async def test_of_two_at_once_one_writes_and_the_other_hears_423(tus: Tus, live: Live) -> None:
    place = await tus.begin(10)
    writer = await open_patch(live, place, 0, 10)
    writer.write(b"12345")
    await writer.drain()
    await until_leased(live, place, True)
    answer = await tus.append(place, 0, b"abcdefghij")
    assert (answer.status_code, answer.json()["code"]) == (423, "upload_locked")
    assert int(answer.headers["retry-after"]) >= 1
    writer.write(b"67890")
    await writer.drain()
    await until_arrived(live, place)
    writer.close()
    assert await source_of(live, place) == b"1234567890"


async def test_many_at_once_write_the_bytes_once(tus: Tus, live: Live) -> None:
    data = os.urandom(100_000)
    place = await tus.begin(len(data))
    answers = await asyncio.gather(*(tus.append(place, 0, data) for _ in range(20)))
    codes = [answer.status_code for answer in answers]
    assert codes.count(204) == 1
    assert set(codes) <= {204, 409, 423}
    assert await source_of(live, place) == data


async def test_a_client_that_falls_silent_is_let_go(tus: Tus, live: Live) -> None:
    place = await tus.begin(10)
    writer = await open_patch(live, place, 0, 10)
    writer.write(b"12345")
    await writer.drain()
    await until_leased(live, place, True)
    await until_leased(live, place, False)
    assert await tus.offset(place) == 5
    writer.close()


async def test_who_was_taken_for_dead_changes_nothing_any_more(tus: Tus, live: Live) -> None:
    place = await tus.begin(10)
    stale = await hold_of(live, place, 0)
    assert (await tus.append(place, 0, b"12345")).status_code == 423
    await run_out(live.database, live.project_id, place)
    assert (await tus.append(place, 0, b"12345")).status_code == 204
    appending = Appending(live.database, live.store, stale, max_bytes=10, checksum=None)
    with pytest.raises(Locked):
        await appending.run(once(b"abcdefg"))
    assert await tus.offset(place) == 5
    assert (await tus.append(place, 5, b"67890")).status_code == 204
    assert await source_of(live, place) == b"1234567890"


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fails_at", [1, 2, 3])
async def test_wherever_it_dies_the_offset_is_true(
    tus: Tus, live: Live, fails_at: int, done: bool
) -> None:
    """A PATCH of two parts and a rest, behind a tail; what is resumed is the same file."""
    data = os.urandom(3 * PART)
    place = await tus.begin(len(data))
    await tus.append(place, 0, data[:1000])
    hold = await hold_of(live, place, 1000)
    store: Store = Failing(live.store, fails_at, done=done)  # type: ignore[assignment]  # passes the rest on
    appending = Appending(live.database, store, hold, max_bytes=0, checksum=None)
    blocks = [data[begin : begin + 65536] for begin in range(1000, 2 * PART + 5000, 65536)]
    with pytest.raises(StoreUnavailable):
        await appending.run(once(*blocks))
    await run_out(live.database, live.project_id, place)
    offset = await tus.offset(place)
    assert offset == [1000, PART, 2 * PART][fails_at - 1]
    assert (await tus.append(place, offset, data[offset:])).status_code == 204
    assert await source_of(live, place) == data


async def test_an_upload_left_at_its_last_byte_is_completed_by_who_looks(
    tus: Tus, live: Live
) -> None:
    """The process died between storing the last bytes and saying that the upload is complete."""
    place = await tus.begin(4)
    hold = await hold_of(live, place, 0)
    await Appending(live.database, live.store, hold, max_bytes=4, checksum=None).run(once(b"1234"))
    assert (await rows_of(live, place))[0].state is UploadState.UPLOADING
    assert await tus.offset(place) == 4
    assert (await rows_of(live, place))[0].state is UploadState.VERIFYING
    assert await source_of(live, place) == b"1234"


async def complete_and_die(live: Live, place: str) -> None:
    async with live.database.project(live.project_id) as tx:
        await look(tx, live.store, id_of(place))
        raise RuntimeError("it dies before the commit")


async def test_a_completion_that_was_not_written_down_is_found_done(tus: Tus, live: Live) -> None:
    place = await tus.begin(4)
    hold = await hold_of(live, place, 0)
    await Appending(live.database, live.store, hold, max_bytes=4, checksum=None).run(once(b"1234"))
    with pytest.raises(RuntimeError, match="dies"):
        await complete_and_die(live, place)
    assert (await rows_of(live, place))[0].state is UploadState.UPLOADING
    # Nobody asks again, and the time is over: the video is there all the same.
    async with live.database.project(live.project_id) as tx:
        await settle_if_tus(tx, live.store, id_of(place))
        assert not await service.expire(tx, id_of(place), live.store)
    assert (await rows_of(live, place))[0].state is UploadState.VERIFYING
    assert await source_of(live, place) == b"1234"


@pytest.mark.parametrize("concat", [None, "partial"])
async def test_an_overdue_upload_expires_with_all_it_had(
    tus: Tus, live: Live, concat: str | None
) -> None:
    place = await tus.begin(2 * PART, **({"Upload_Concat": concat} if concat else {}))
    await tus.append(place, 0, os.urandom(PART + 10))
    async with live.database.project(live.project_id) as tx:
        await tx.execute(
            update(Upload)
            .where(Upload.id == id_of(place))
            .values(deadline_at=text("clock_timestamp() - interval '1 s'"))
        )
        await settle_if_tus(tx, live.store, id_of(place))
        assert await service.expire(tx, id_of(place), live.store)
    answer = await tus.look(place)
    assert answer.status_code == 410
    answer = await tus.append(place, PART + 10, b"1")
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_expired")
    assert await left_in_store(live) == []
    assert [each async for each in live.store.list_multiparts("")] == []


async def test_pieces_are_joined_in_order_across_parts(tus: Tus, live: Live) -> None:
    data = os.urandom(3 * PART + 12345)
    cuts = [0, 100, PART + 7, 2 * PART + 3, len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(cuts)]
    places = [await tus.partial(piece) for piece in pieces]
    final = await tus.begin(Upload_Concat="final;" + " ".join(places))
    for _ in range(2):  # a second attempt finds it done
        async with live.database.project(live.project_id) as tx:
            upload = await service.get_upload(tx, id_of(final))
            found = await pieces_of(tx, id_of(final))
        await join_pieces(live.store, upload, found)
    assert await source_of(live, final) == data
    assert await left_in_store(live) == []
    assert [each async for each in live.store.list_multiparts("")] == []


async def test_a_join_that_fails_leaves_the_pieces(tus: Tus, live: Live) -> None:
    places = [await tus.partial(os.urandom(PART)), await tus.partial(os.urandom(PART))]
    final = await tus.begin(Upload_Concat="final;" + " ".join(places))
    async with live.database.project(live.project_id) as tx:
        upload = await service.get_upload(tx, id_of(final))
        found = await pieces_of(tx, id_of(final))
    store: Store = Failing(live.store, 2, done=True)  # type: ignore[assignment]  # passes the rest on
    with pytest.raises(StoreUnavailable):
        await join_pieces(store, upload, found)
    assert len(await left_in_store(live)) == 2
    assert [each async for each in live.store.list_multiparts("")] == []


async def test_the_sweep_removes_what_no_upload_needs(tus: Tus, live: Live) -> None:
    def later() -> datetime:
        return utc_now() + timedelta(hours=2)

    lost = await tus.begin(2 * PART)
    await tus.append(lost, 0, b"12")
    taking = await tus.begin(2 * PART)
    await tus.append(taking, 0, b"12")
    joined = await tus.partial(b"1234")
    final = await tus.begin(Upload_Concat=f"final;{joined}")
    async with live.database.project(live.project_id) as tx:
        await tx.execute(
            update(Upload).where(Upload.id == id_of(lost)).values(state=UploadState.CANCELLED)
        )
    async with live.database.dispatch() as tx:
        assert await sweep_tus(tx, live.store, clock=later) == 1
    left = await left_in_store(live)
    assert {key.split("/")[1] for key in left} == {id_of(taking), id_of(joined)}
    # Deleting the video that was to be removes the pieces with it.
    _, _, asset = await rows_of(live, final)
    assert asset is not None
    async with live.database.project(live.project_id) as tx:
        remains = await remains_of(tx, asset.id)
    await erase(live.store, remains)
    assert {key.split("/")[1] for key in await left_in_store(live)} == {id_of(taking)}
