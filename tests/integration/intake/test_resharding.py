"""Shards that are split and merged while streams run through them."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.intake.records import Begin, Data, End, encode
from tests.e2e.system.stack import until
from tests.integration.intake.conftest import Intake, Videos, noise
from tests.servers.kinesalite import kinesalite

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient


@pytest.fixture(scope="session")
def kinesalite_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with kinesalite(tmp_path_factory.mktemp("kinesalite")) as url:
        yield url


@pytest.fixture
def kinesis_url(kinesalite_url: str) -> str:
    return kinesalite_url


async def settle(kinesis: "KinesisClient", name: str) -> None:
    async def active() -> bool:
        summary = kinesis.describe_stream_summary(StreamName=name)
        return summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"

    await until(active, "the stream is active")


def middle(shard_range: object) -> str:
    low, high = (int(shard_range[f"{end}HashKey"]) for end in ("Starting", "Ending"))  # type: ignore[index]  # a dict of the answer
    return str((low + high) // 2)


BLOCK = 256 * 1024


class Halves:
    """Six streams whose records are sent a few at a time."""

    def __init__(self, videos: Videos) -> None:
        self.videos = videos
        self.data = {f"video-{n}": noise(12 * BLOCK, n) for n in range(6)}

    def begin(self) -> None:
        for name in self.data:
            self.videos.put(name, encode(Begin(f"{name}.mp4", "video/mp4", size=12 * BLOCK)))

    def send(self, begin: int, end: int) -> None:
        for name, data in self.data.items():
            for seq in range(begin, end):
                block = data[(seq - 1) * BLOCK : seq * BLOCK]
                self.videos.put(name, encode(Data(seq, block)))

    def end(self) -> None:
        for name, data in self.data.items():
            sha256 = hashlib.sha256(data).hexdigest()
            self.videos.put(name, encode(End(13, len(data), sha256)))


async def split_all(kinesis: "KinesisClient", name: str) -> None:
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        kinesis.split_shard(
            StreamName=name,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=middle(shard["HashKeyRange"]),
        )
        await settle(kinesis, name)


async def merge_two(kinesis: "KinesisClient", name: str) -> None:
    listed = kinesis.list_shards(StreamName=name)["Shards"]
    one, two = [shard["ShardId"] for shard in listed if "ParentShardId" in shard][:2]
    kinesis.merge_shards(StreamName=name, ShardToMerge=one, AdjacentShardToMerge=two)
    await settle(kinesis, name)


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped-meanwhile"])
async def test_streams_go_on_in_the_children_of_their_shard(
    intake: Intake, videos: Videos, kinesis: "KinesisClient", running: bool
) -> None:
    """Parents are read to their end first, or the halves would come in the wrong order."""
    intake.start()
    halves = Halves(videos)
    halves.begin()
    if not running:
        intake.stop()
    halves.send(1, 5)
    await split_all(kinesis, videos.name)
    halves.send(5, 9)
    await merge_two(kinesis, videos.name)
    halves.send(9, 13)
    halves.end()
    if not running:
        intake.start()
    for name, data in halves.data.items():
        await videos.assert_whole(name, data)

    async def retired() -> bool:
        return sum(1 for shard in await videos.shards() if shard.finished_at) == 4

    await until(retired, "parents are finished")
    assert len(await videos.shards()) == 7
