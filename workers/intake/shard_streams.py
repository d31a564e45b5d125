"""The streams of one shard, from their records: each is begun, written, and completed or failed."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.faults import is_passing
from app.foundation.errors import SpoolError, Unavailable
from app.foundation.storage.errors import NoSuchUpload
from app.foundation.telemetry.correlation import acting_for, keep_or_make
from app.foundation.telemetry.spans import begun_trace
from app.intake import shards, streams
from app.intake.assembly import Gap
from app.intake.models import StreamState
from app.intake.progress import Progress, read_chunks, save
from app.intake.records import Begin, Data, End, Record
from app.intake.shards import Shard
from workers.intake.metrics import BYTES, GAPS, RECORDS, STREAMS
from workers.intake.services import StreamServices
from workers.intake.stream_writer import StreamWriter

log = structlog.get_logger(__name__)

# Streams that are over, whose records may still come: the table knows the others.
_ENDED_KNOWN = 1000
_AGAIN = "Send the file again, under a new stream id."


class ShardStreams:
    """Writers of the streams that are open, as far as they hold something; the table has the rest.

    Its methods raise ShardLost when somebody else has the shard.
    """

    def __init__(self, services: StreamServices, shard: Shard) -> None:
        self._services = services
        self._shard = shard
        self._log = log.bind(shard=shard.id)
        self._writers: dict[str, StreamWriter] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    @property
    def buffered(self) -> int:
        """Bytes that are read and not durable."""
        return sum(writer.buffered for writer in self._writers.values())

    @property
    def waiting(self) -> bool:
        """Whether records are held that came too early."""
        return any(writer.assembly.held_since for writer in self._writers.values())

    def durable_position(self, position: str | None) -> str | None:
        """Where to read on after a crash: records that came too early are in memory only."""
        for writer in self._writers.values():
            held, place = writer.assembly.read_again_after
            if held and place is None:
                return None
            if held and place is not None and position is not None:
                position = min(position, place, key=int)
        return position

    async def take(self, stream_id: str, record: Record, before: str | None) -> bool:
        """Takes a record; True when a stream is complete with it.

        Args:
            before: Sequence number of the record before this one in the shard.

        Raises:
            StoreError, Unavailable: nothing is lost; all is read again from the checkpoint.
        """
        if await self._is_over(stream_id):
            RECORDS.labels("late").inc()
            return False
        try:
            return await self._take(stream_id, record, before)
        except Gap as error:
            await self._gap(stream_id, error)
        except NoSuchUpload:
            # It was called off, or has expired, which its row tells; or the store has lost it.
            del self._writers[stream_id]
            if not await self._is_over(stream_id):
                why = "The object store has lost what had arrived of this stream."
                await self._fail(stream_id, "stream_parts_lost", f"{why} {_AGAIN}")
        except SpoolError as error:
            if isinstance(error, Unavailable):
                raise
            await self._fail(stream_id, error.code, error.detail)
        except DBAPIError as error:
            if is_passing(error):
                raise
            # What the database can never take, it would never take: the shard goes on.
            self._log.exception("record.refused", stream_id=stream_id)
            await self._fail(stream_id, "stream_invalid", "A record of it cannot be stored.")
        return False

    async def look_for_gaps(self, patience: float) -> None:
        """Fails streams that have waited for a record for longer than so many seconds."""
        now = time.monotonic()
        for stream_id, writer in list(self._writers.items()):
            try:
                writer.assembly.check(now, patience)
            except Gap as error:
                await self._gap(stream_id, error)

    async def save(self, tx: AsyncSession) -> list[StreamWriter]:
        """Writes what is read in order; `forget_saved` when that is committed."""
        dirty = [writer for writer in self._writers.values() if writer.dirty]
        for writer in dirty:
            await self._save(tx, writer.progress, writer.tail)
        return dirty

    def forget_saved(self, saved: list[StreamWriter]) -> None:
        """Drops bytes that are durable now, and streams that had nothing to save."""
        for writer in saved:
            writer.is_saved()
        for stream_id, writer in list(self._writers.items()):
            if writer not in saved and writer.assembly.held_since is None:
                del self._writers[stream_id]

    async def _take(self, stream_id: str, record: Record, before: str | None) -> bool:
        writer = self._writers[stream_id]
        known = writer.assembly.duplicates
        ready = writer.assembly.take(record, before=before, now=time.monotonic())
        RECORDS.labels("duplicate" if writer.assembly.duplicates > known else "taken").inc()
        for each in ready:
            match each:
                case Begin():
                    await self._begin(stream_id, writer, each)
                case Data():
                    await writer.write(each)
                    BYTES.inc(len(each.data))
                case End():
                    await self._complete(stream_id, writer, each)
                    return True
        return False

    async def _begin(self, stream_id: str, writer: StreamWriter, record: Begin) -> None:
        services = self._services
        with begun_trace("begin stream", f"stream:{stream_id}"):
            async with self._holding() as tx:
                writer.saved = await streams.begin(
                    tx, services.store, services.policy, services.group, stream_id, record
                )
        self._log.info("stream.begun", stream_id=stream_id, upload_id=writer.saved.upload_id)

    async def _complete(self, stream_id: str, writer: StreamWriter, record: End) -> None:
        progress = await writer.finish(record)
        # First everything but the end, with the checkpoint where it is: should the process die
        # when the store has made the object and no row says so, the end is read again.
        async with self._holding() as tx:
            await self._save(tx, progress, writer.tail)
        # Its work goes on in the trace that began the upload.
        with acting_for(keep_or_make(f"stream:{stream_id}"), None):
            async with self._holding() as tx:
                upload = await streams.complete(tx, self._services.store, progress, record)
        STREAMS.labels("completed").inc()
        self._forget(stream_id)
        self._log.info("stream.completed", stream_id=stream_id, asset_id=upload.asset_id)

    async def _save(self, tx: AsyncSession, progress: Progress, tail: bytes) -> None:
        await save(tx, self._services.group.project_id, progress, tail, self._services.idle)

    async def _is_over(self, stream_id: str) -> bool:
        """Whether the stream has ended; makes its writer where it has not."""
        if stream_id in self._writers:
            return False
        if stream_id in self._ended:
            return True
        services = self._services
        async with services.transaction() as tx:
            saved = await streams.find(tx, services.group, stream_id, services.policy)
        if saved is not None and saved.state is not StreamState.OPEN:
            self._forget(stream_id)
            return True
        self._writers[stream_id] = StreamWriter(saved, services.store, self._read_chunks)
        return False

    async def _read_chunks(self, ingest_stream_id: str, offset: int) -> bytes:
        async with self._services.transaction() as tx:
            return await read_chunks(tx, ingest_stream_id, offset)

    async def _gap(self, stream_id: str, error: Gap) -> None:
        GAPS.inc()
        await self._fail(stream_id, "stream_gap", f"{error} {_AGAIN}")

    async def _fail(self, stream_id: str, code: str, message: str) -> None:
        services = self._services
        saved = self._writers[stream_id].saved
        async with self._holding() as tx:
            await streams.fail(tx, services.store, services.group, stream_id, saved, code, message)
        STREAMS.labels("failed").inc()
        self._forget(stream_id)
        self._log.warning("stream.failed", stream_id=stream_id, code=code, why=message)

    def _forget(self, stream_id: str) -> None:
        self._writers.pop(stream_id, None)
        self._ended[stream_id] = None
        if len(self._ended) > _ENDED_KNOWN:
            self._ended.popitem(last=False)

    @asynccontextmanager
    async def _holding(self) -> AsyncIterator[AsyncSession]:
        """A transaction that writes only while the shard is held."""
        async with self._services.transaction() as tx:
            await shards.hold(tx, self._services.group, self._shard)
            yield tx
