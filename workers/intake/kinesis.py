"""A Kinesis data stream, read from an event loop: boto3's calls block, so threads make them.

IAM: kinesis:ListShards, kinesis:GetShardIterator and kinesis:GetRecords on the stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from app.foundation.aws import make_client
from app.foundation.threads import Threads
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

KINESIS_ERRORS = (BotoCoreError, ClientError)
# Up to 10 MB come in one answer whatever is asked for; so many records are enough of small ones.
_RECORDS = 1000
_THREADS = 8
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "LimitExceededException",
        "KMSThrottlingException",
    }
)


class IteratorExpired(Exception):
    """A shard iterator holds for five minutes; the next one begins where this one was."""


class Throttled(Exception):
    """The shard is read too often, or too much: more slowly, it can be read."""


@dataclass(frozen=True, slots=True)
class ListedShard:
    """A shard that Kinesis knows.

    Args:
        ending: Its last sequence number, once it is closed.
    """

    id: str
    parents: Sequence[str]
    ending: str | None


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as Kinesis has it."""

    sequence: str
    partition_key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read gave.

    Args:
        next_iterator: None at the end of a closed shard.
        millis_behind: How old the newest record is that was not read.
    """

    records: Sequence[Raw]
    next_iterator: str | None
    millis_behind: int

    @property
    def caught_up(self) -> bool:
        return not self.records and self.millis_behind == 0


class DataStream:
    """One data stream. Its methods raise KINESIS_ERRORS when botocore has tried enough."""

    def __init__(self, settings: Settings, stream: str) -> None:
        self.name = stream
        self._client: KinesisClient = make_client(
            settings,
            "kinesis",
            endpoint_url=settings.kinesis_endpoint_url,
            connections=_THREADS,
        )
        self._threads = Threads(_THREADS, "kinesis")

    async def list_shards(self) -> list[ListedShard]:
        """All shards, also closed ones whose records are still kept."""
        return await self._threads.run(self._list_shards)

    def _list_shards(self) -> list[ListedShard]:
        found: list[ListedShard] = []
        request: dict[str, Any] = {"StreamName": self.name}
        while True:
            answer = self._client.list_shards(**request)
            for shard in answer["Shards"]:
                parents = [shard.get("ParentShardId"), shard.get("AdjacentParentShardId")]
                ending = shard["SequenceNumberRange"].get("EndingSequenceNumber")
                known = [parent for parent in parents if parent]
                found.append(ListedShard(shard["ShardId"], known, ending))
            if not (token := answer.get("NextToken")):
                return found
            request = {"NextToken": token}

    async def iterator(self, shard_id: str, after: str | None) -> str:
        """Where to read: behind a sequence number, or from the oldest record that is kept."""
        return await self._threads.run(self._iterator, shard_id, after)

    def _iterator(self, shard_id: str, after: str | None) -> str:
        if after is None:
            answer = self._client.get_shard_iterator(
                StreamName=self.name, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
            )
        else:
            answer = self._client.get_shard_iterator(
                StreamName=self.name,
                ShardId=shard_id,
                ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                StartingSequenceNumber=after,
            )
        return answer["ShardIterator"]

    async def read(self, iterator: str) -> Batch:
        """The next records.

        Raises:
            IteratorExpired, Throttled: as they say.
        """
        return await self._threads.run(self._read, iterator)

    def _read(self, iterator: str) -> Batch:
        try:
            answer = self._client.get_records(ShardIterator=iterator, Limit=_RECORDS)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ExpiredIteratorException":
                raise IteratorExpired from error
            if code in _THROTTLED:
                raise Throttled from error
            raise
        records = [
            Raw(record["SequenceNumber"], record["PartitionKey"], record["Data"])
            for record in answer["Records"]
        ]
        return Batch(records, answer.get("NextShardIterator"), answer.get("MillisBehindLatest", 0))

    def close(self) -> None:
        self._threads.close()
        self._client.close()
