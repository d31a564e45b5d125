"""Consumers of a data stream as processes, on a server that speaks Kinesis."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable

import pytest

from app.intake.models import StreamState
from app.intake.records import Begin, Data, End, encode
from tests.e2e.system.stack import until
from tests.integration.intake.conftest import KIB, MIB, Intake, Videos, noise


async def test_a_stream_becomes_the_source_of_an_asset(intake: Intake, videos: Videos) -> None:
    intake.start()
    data = noise(12 * MIB)
    stream_id = await videos.send(data)
    await videos.assert_whole(stream_id, data)
    small = noise(3 * KIB, 1)
    await videos.assert_whole(await videos.send(small), small)
    assert await intake.metric("spool_stream_bytes_total") == len(data) + len(small)
    assert await intake.metric("spool_stream_leases") == 2
    assert intake.stop() == 0
    shards = await videos.shards()
    assert {shard.owner for shard in shards} == {None}
    assert any(shard.checkpoint for shard in shards)


async def test_killed_at_random_moments_nothing_is_lost_or_doubled(
    intake: Intake, videos: Videos
) -> None:
    dice = random.Random(4)  # noqa: S311  # for moments
    sources = [noise(size, seed) for seed, size in enumerate((11 * MIB, 7 * MIB, 300 * KIB))]
    sending = asyncio.gather(*(videos.send(data, record_bytes=64 * KIB) for data in sources))
    for _ in range(6):
        intake.start()
        # The moment is what is random here; nothing is waited for.
        await asyncio.sleep(dice.uniform(1.0, 3.0))
        intake.kill()
    ids = await sending
    intake.start()
    for stream_id, data in zip(ids, sources, strict=True):
        await videos.assert_whole(stream_id, data)
    assert [each async for each in videos.store.list_multiparts("")] == []


async def test_groups_read_the_same_stream_each_for_itself(intake: Intake, videos: Videos) -> None:
    intake.start("one")
    intake.start("two", kinesis_group="another")
    data = noise(6 * MIB)
    stream_id = await videos.send(data)
    await videos.assert_whole(stream_id, data, groups=2)
    assert len({row.upload_id for row in await videos.streams(stream_id)}) == 2


async def test_consumers_share_shards_and_stand_in_for_each_other(
    intake: Intake, videos: Videos
) -> None:
    def shared_by(count: int) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            owners = await videos.owners()
            return (
                len(owners) == 2
                and None not in owners.values()
                and (len(set(owners.values())) == count)
            )

        return look

    intake.start("one")
    await until(shared_by(1), "one has both")
    intake.start("two")
    await until(shared_by(2), "each has one")
    data = noise(6 * MIB)
    ids = await asyncio.gather(*(videos.send(data) for _ in range(4)))
    intake.kill("one")
    for stream_id in ids:
        await videos.assert_whole(stream_id, data)
    await until(shared_by(1), "two has both")


async def test_hostile_records_stop_nobody(intake: Intake, videos: Videos) -> None:
    intake.start()
    for key, data in (
        ("x", b"\x00"),
        ("x", b"SP\x02rest"),
        ("x", b"SP\x01\xff\xff"),
        ("../../etc", encode(Begin("a", "video/mp4"))),
        ("deep", b"SP\x01" + b"\x91" * 100_000),
        ("nul", encode(Begin("a\x00b\n.mp4", "video/mp4"))),
        ("huge", encode(Begin("a", "video/mp4", size=2**60))),
        ("twice", encode(Begin("a", "video/mp4"))),
        ("twice", encode(End(1, 0, "0" * 64))),
        ("twice", encode(Data(2, b"behind the end"))),
        ("liar", encode(Begin("a", "video/mp4"))),
        ("liar", encode(Data(1, b"four"))),
        ("liar", encode(End(2, 5, "0" * 64))),
        ("beginless", encode(Data(3, b"x"))),
        ("gap", encode(Begin("a", "video/mp4"))),
        ("gap", encode(Data(1, b"a"))),
        ("gap", encode(Data(3, b"c"))),
        ("more", encode(Begin("a", "video/mp4", size=3))),
        ("more", encode(Data(1, b"four"))),
    ):
        videos.put(key, data)
    data = noise(MIB)
    await videos.assert_whole(await videos.send(data), data)
    reasons = {
        name: (await videos.ended(name)).error_code
        for name in ("huge", "twice", "liar", "beginless", "gap", "more")
    }
    assert reasons == {
        "huge": "upload_too_large",
        "twice": "upload_empty",
        "liar": "upload_size_mismatch",
        "beginless": "stream_gap",
        "gap": "stream_gap",
        "more": "upload_too_large",
    }
    failed = await videos.upload(await videos.ended("gap"))
    assert failed.state == "failed"
    assert "Record 2 of the stream is missing" in (failed.error_message or "")
    assert (await videos.streams("nul"))[0].state is StreamState.OPEN
    assert await intake.metric('spool_stream_records_total{outcome="broken"}') == 5
    assert await intake.metric("spool_stream_gaps_total") == 2


async def test_duplicates_and_records_out_of_order_change_nothing(
    intake: Intake, videos: Videos
) -> None:
    intake.start()
    data = noise(40 * KIB)
    blocks = [data[at : at + KIB] for at in range(0, len(data), KIB)]
    records = [
        encode(Begin("a.mp4", "video/mp4")),
        *(encode(Data(seq, block)) for seq, block in enumerate(blocks, 1)),
        encode(End(len(blocks) + 1, len(data), hashlib.sha256(data).hexdigest())),
    ]
    random.Random(1).shuffle(records)  # noqa: S311  # for an order
    for record in records:
        videos.put("shuffled", record)
        videos.put("shuffled", record)
    await videos.assert_whole("shuffled", data)


@pytest.mark.parametrize("known", [True, False], ids=["in-memory", "read-again"])
async def test_an_upload_that_was_cancelled_takes_no_more(
    intake: Intake, videos: Videos, known: bool
) -> None:
    intake.start(kinesis_flush_seconds=60 if known else 0.1)
    videos.put("cancelled", encode(Begin("a.mp4", "video/mp4")))

    async def begun() -> bool:
        return bool(await videos.streams("cancelled"))

    await until(begun, "it has begun")
    await videos.cancel("cancelled")
    if not known:
        intake.stop()
        intake.start()
    for seq in range(1, 9):
        videos.put("cancelled", encode(Data(seq, noise(MIB - 2 * KIB, seq))))
    row = await videos.ended("cancelled")
    assert (row.state, row.error_code) == (StreamState.FAILED, "upload_state")
    assert (await videos.upload(row)).state == "cancelled"


def test_without_its_project_it_does_not_start(intake: Intake) -> None:
    intake.start(kinesis_project_id="prj_nobody")
    assert intake.ended() == 2
    assert "There is no project prj_nobody" in intake.log()
