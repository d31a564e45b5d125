"""Reads one shard under its lease: in order, from its checkpoint, until it ends or is taken away.

Whatever breaks in the middle is treated as a crash: what is in memory is dropped, and reading
begins again at the checkpoint, where everything before is durable and nothing behind it is lost.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict

import structlog
from sqlalchemy.exc import DBAPIError

from app.foundation.db.faults import is_passing
from app.foundation.errors import SpoolError, Unavailable
from app.foundation.storage.errors import NoSuchUpload, StoreError
from app.foundation.telemetry.correlation import acting_for, keep_or_make
from app.foundation.telemetry.spans import begun_trace
from app.intake import shards, streams
from app.intake.assembly import Gap
from app.intake.models import StreamState
from app.intake.records import Begin, Data, End, Record, Unreadable, decode
from app.intake.shards import Shard, ShardLost
from workers.intake.kinesis import KINESIS_ERRORS, Batch, IteratorExpired, Raw, Throttled
from workers.intake.metrics import BEHIND, BYTES, GAPS, RECORDS, STREAMS, THROTTLED
from workers.intake.services import StreamServices
from workers.intake.stream_writer import StreamWriter
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

# A shard gives five reads a second, to all groups together.
_LEAST_PAUSE = 0.25
_MOST_PAUSE = 5.0
# Bytes that are read and not durable, of all streams of the shard.
_MOST_BUFFERED = 16 * 1024 * 1024
# Streams that are over, whose records may still come: the table knows the others.
_ENDED_KNOWN = 1000
# While newer records are there to read, a missing one may be among them.
_BEHIND_PATIENCE = 10


class ShardReader:
    """Reads until `stop` is set, the shard ends, or somebody else has it."""

    def __init__(self, services: StreamServices, shard: Shard) -> None:
        self.shard = shard
        self.stop = asyncio.Event()
        # As Kinesis lists it, once it is closed.
        self.ending: str | None = None
        self._services = services
        self._log = log.bind(shard=shard.id)
        self._checkpoint = shard.checkpoint
        self._forget()

    def _forget(self) -> None:
        self._position = self._checkpoint
        self._writers: dict[str, StreamWriter] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._flushed = time.monotonic()

    async def run(self) -> None:
        """Ends when there is nothing more to read here; the lease is given back."""
        pause = _LEAST_PAUSE
        try:
            while not self.stop.is_set():
                try:
                    if await self._read():
                        return
                except (StoreError, Unavailable, *KINESIS_ERRORS, *DATABASE_AWAY) as error:
                    self._log.warning("shard.again", error=repr(error), after=self._checkpoint)
                    self._forget()
                    await self._wait(pause)
                    pause = min(2 * pause, _MOST_PAUSE)
                else:
                    pause = _LEAST_PAUSE
            await self._hand_back()
        except ShardLost:
            self._log.info("shard.lost")
        finally:
            with contextlib.suppress(KeyError):
                BEHIND.remove(self.shard.id)

    async def _read(self) -> bool:
        """Reads until stopped; True when the shard has come to its end."""
        iterator: str | None = await self._services.source.iterator(self.shard.id, self._position)
        pause = _LEAST_PAUSE
        while iterator is not None and not self.stop.is_set():
            try:
                batch = await self._services.source.read(iterator)
            except IteratorExpired:
                return False
            except Throttled:
                THROTTLED.inc()
                pause = min(2 * pause, _MOST_PAUSE)
                await self._wait(pause)
                continue
            pause = _LEAST_PAUSE
            await self._take_all(batch)
            iterator = batch.next_iterator
            if self._at_end(iterator) and not batch.records:
                break
            caught_up = not batch.records and batch.millis_behind == 0
            await self._wait(self._services.settings.kinesis_poll_seconds if caught_up else pause)
        if self.stop.is_set():
            return False
        await self._end()
        return True

    def _at_end(self, iterator: str | None) -> bool:
        # Kinesis gives no further iterator at the end; some that speak its protocol always do.
        at_ending = self.ending is not None and int(self._position or 0) >= int(self.ending)
        return iterator is None or at_ending

    async def _take_all(self, batch: Batch) -> None:
        BEHIND.labels(self.shard.id).set(batch.millis_behind / 1000)
        for raw in batch.records:
            await self._take(raw)
            if self._is_due():
                await self._flush()
        patience = self._services.settings.kinesis_gap_seconds
        caught_up = not batch.records and batch.millis_behind == 0
        await self._look_for_gaps(patience if caught_up else _BEHIND_PATIENCE * patience)
        if self._is_due():
            await self._flush()

    async def _take(self, raw: Raw) -> None:
        before, self._position = self._position, raw.sequence
        stream_id = raw.partition_key
        try:
            record = decode(stream_id, raw.data)
        except Unreadable as error:
            RECORDS.labels("broken").inc()
            self._log.warning("record.broken", sequence=raw.sequence, why=str(error)[:500])
            return
        if await self._is_over(stream_id):
            RECORDS.labels("late").inc()
            return
        try:
            await self._take_record(stream_id, record, before)
        except Gap as error:
            await self._gap(stream_id, error)
        except NoSuchUpload:
            await self._look_again(stream_id)
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

    async def _take_record(self, stream_id: str, record: Record, before: str | None) -> None:
        writer = self._writers[stream_id]
        known = writer.assembly.duplicates
        ready = writer.assembly.take(record, before=before, now=time.monotonic())
        RECORDS.labels("duplicate" if writer.assembly.duplicates > known else "taken").inc()
        for each in ready:
            match each:
                case Begin():
                    await self._begin(stream_id, each)
                case Data():
                    await writer.write(each)
                    BYTES.inc(len(each.data))
                case End():
                    await self._complete(stream_id, each)
                    return

    async def _begin(self, stream_id: str, record: Begin) -> None:
        services = self._services
        with begun_trace("begin stream", f"stream:{stream_id}"):
            async with services.transaction() as tx:
                await shards.hold(tx, services.group, self.shard)
                saved = await streams.begin(
                    tx, services.store, services.policy, services.group, stream_id, record
                )
        self._writers[stream_id].begin(saved)
        self._log.info("stream.begun", stream_id=stream_id, upload_id=saved.upload_id)

    async def _complete(self, stream_id: str, record: End) -> None:
        services, writer = self._services, self._writers[stream_id]
        progress = await writer.finish(record)
        # First everything but the end, with the checkpoint where it is: should the process die
        # when the store has made the object and no row says so, the end is read again.
        async with services.transaction() as tx:
            await shards.hold(tx, services.group, self.shard)
            await streams.save(tx, services.group, progress, writer.tail, services.idle)
        # Its work goes on in the trace that began the upload.
        with acting_for(keep_or_make(f"stream:{stream_id}"), None):
            async with services.transaction() as tx:
                await shards.hold(tx, services.group, self.shard)
                upload = await streams.complete(tx, services.store, progress, record)
        STREAMS.labels("completed").inc()
        self._forget_stream(stream_id)
        self._log.info("stream.completed", stream_id=stream_id, asset_id=upload.asset_id)
        await self._flush()

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
            self._forget_stream(stream_id)
            return True
        self._writers[stream_id] = StreamWriter(saved, services.store, self._read_chunks)
        return False

    async def _read_chunks(self, ingest_stream_id: str, offset: int) -> bytes:
        async with self._services.transaction() as tx:
            return await streams.chunks_from(tx, ingest_stream_id, offset)

    async def _look_again(self, stream_id: str) -> None:
        """The store knows nothing of the upload: it was cancelled, has expired, or is lost."""
        await self._fail(
            stream_id,
            "stream_parts_lost",
            "The object store has lost what had arrived of this stream. Send it again, under a "
            "new stream id.",
        )

    async def _look_for_gaps(self, patience: float) -> None:
        now = time.monotonic()
        for stream_id, writer in list(self._writers.items()):
            try:
                writer.assembly.check(now, patience)
            except Gap as error:
                await self._gap(stream_id, error)

    async def _gap(self, stream_id: str, error: Gap) -> None:
        GAPS.inc()
        await self._fail(
            stream_id, "stream_gap", f"{error} Send the file again, under a new stream id."
        )

    async def _fail(self, stream_id: str, code: str, message: str) -> None:
        services, writer = self._services, self._writers[stream_id]
        async with services.transaction() as tx:
            await shards.hold(tx, services.group, self.shard)
            await streams.fail(
                tx, services.store, services.group, stream_id, writer.saved, code, message
            )
        STREAMS.labels("failed").inc()
        self._forget_stream(stream_id)
        self._log.warning("stream.failed", stream_id=stream_id, code=code, why=message)

    def _forget_stream(self, stream_id: str) -> None:
        self._writers.pop(stream_id, None)
        self._ended[stream_id] = None
        if len(self._ended) > _ENDED_KNOWN:
            self._ended.popitem(last=False)

    def _is_due(self) -> bool:
        if self._position == self._checkpoint:
            return False
        buffered = sum(writer.buffered for writer in self._writers.values())
        waited = time.monotonic() - self._flushed
        return buffered > _MOST_BUFFERED or waited > self._services.settings.kinesis_flush_seconds

    async def _flush(self, *, finished: bool = False) -> None:
        """Makes all that was read in order durable, and moves the checkpoint behind it."""
        services = self._services
        dirty = [writer for writer in self._writers.values() if writer.dirty]
        checkpoint = self._durable_position()
        async with services.transaction() as tx:
            await shards.move_checkpoint(
                tx, services.group, self.shard, checkpoint, finished=finished
            )
            for writer in dirty:
                await streams.save(tx, services.group, writer.progress, writer.tail, services.idle)
        for writer in dirty:
            writer.is_saved()
        # Idle streams are forgotten here: the table knows them.
        for stream_id, writer in list(self._writers.items()):
            if writer not in dirty and writer.assembly.held_since is None:
                del self._writers[stream_id]
        self._checkpoint = checkpoint
        self._flushed = time.monotonic()

    def _durable_position(self) -> str | None:
        """Where to read on after a crash: records that came too early are in memory only."""
        position = self._position
        for writer in self._writers.values():
            held, place = writer.assembly.read_again_after
            if held and place is None:
                return None
            if held and place is not None and position is not None:
                position = min(position, place, key=int)
        return position

    async def _end(self) -> None:
        """The shard is closed, and nothing of it is left: its children can start."""
        patience = self._services.settings.kinesis_gap_seconds
        while any(writer.assembly.held_since for writer in self._writers.values()):
            await self._look_for_gaps(patience)
            await self._wait(min(1.0, patience))
        await self._flush(finished=True)
        self._log.info("shard.finished")

    async def _hand_back(self) -> None:
        with contextlib.suppress(StoreError, *DATABASE_AWAY):
            await self._flush()
            async with self._services.transaction() as tx:
                await shards.release(tx, self._services.group, self.shard)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
