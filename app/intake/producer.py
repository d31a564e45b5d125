"""Sends a file into a Kinesis data stream, as records of docs/streams.md.

IAM: kinesis:PutRecords on the stream.
"""

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.intake.records import MAX_DATA_BYTES, Begin, Data, End, Record, encode

if TYPE_CHECKING:
    from types_boto3_kinesis import KinesisClient

# Kinesis' limits of one request.
_MOST_RECORDS = 500
_MOST_BYTES = 5 * 1024 * 1024
# For so long, records that are refused are sent again.
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.1
_MOST_PAUSE_SECONDS = 5.0


class NotTaken(Exception):
    """Kinesis went on refusing records; the message is its own."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that is in the data stream as a whole.

    Args:
        records: How many it became.
        repeated: Records that were sent more than once.
    """

    size: int
    sha256: str
    records: int
    repeated: int


class Producer:
    """Sends streams, one after the other.

    Args:
        progress: Told how many bytes Kinesis has acknowledged.
    """

    def __init__(
        self,
        client: "KinesisClient",
        stream: str,
        *,
        record_bytes: int = MAX_DATA_BYTES,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._stream = stream
        self._record_bytes = record_bytes
        self._progress = progress

    def send(self, path: Path, stream_id: str, content_type: str) -> Sent:
        """Sends a file. What broke off cannot be gone on with: it is sent again under another id.

        Raises:
            NotTaken: a record was refused for a minute.
            BotoCoreError, ClientError: the request as such did not go through.
            OSError: the file cannot be read.
        """
        digest = hashlib.sha256()
        done = repeated = count = 0
        with path.open("rb") as file:
            size = path.stat().st_size

            def records() -> Iterator[Record]:
                name = path.name.encode(errors="replace").decode()
                yield Begin(name, content_type, size=size)
                last = 0
                for seq in itertools.count(1):
                    block = file.read(self._record_bytes)
                    if not block:
                        break
                    digest.update(block)
                    last = seq
                    yield Data(seq, block)
                yield End(last + 1, size=file.tell(), sha256=digest.hexdigest())

            for batch in _batches(records()):
                repeated += self._put(stream_id, [encode(record) for record in batch])
                count += len(batch)
                done += sum(len(each.data) for each in batch if isinstance(each, Data))
                self._progress(done)
        return Sent(done, digest.hexdigest(), count, repeated)

    def _put(self, stream_id: str, records: Sequence[bytes]) -> int:
        """Sends records until all are taken; says how many went more than once."""
        waiting: list[Any] = [{"PartitionKey": stream_id, "Data": data} for data in records]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause, repeated = _PAUSE_SECONDS, 0
        while True:
            answer = self._client.put_records(StreamName=self._stream, Records=waiting)
            results = answer["Records"]
            refused = [result for result in results if result.get("ErrorCode")]
            if not refused:
                return repeated
            if time.monotonic() + pause > deadline:
                raise NotTaken(str(refused[0].get("ErrorMessage") or refused[0].get("ErrorCode")))
            # In their order; who reads puts them before those that were taken meanwhile.
            waiting = [
                record
                for record, result in zip(waiting, results, strict=True)
                if result.get("ErrorCode")
            ]
            repeated += len(waiting)
            time.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE_SECONDS)


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Records in groups that one request takes."""
    batch: list[Record] = []
    weight = 0
    for record in records:
        # The head, the map and the partition key are what MAX_DATA_BYTES leaves room for.
        size = 1024 + (len(record.data) if isinstance(record, Data) else 4096)
        if batch and (len(batch) == _MOST_RECORDS or weight + size > _MOST_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(record)
        weight += size
    if batch:
        yield batch
