"""Reads one shard under its lease: in order, from its checkpoint, until it ends or is taken away.

Whatever breaks in the middle is treated as a crash: what is in memory is dropped, and reading
begins again at the checkpoint, where everything before is durable and nothing behind it is lost.
"""

import asyncio
import contextlib
import time

import structlog

from app.foundation.errors import Unavailable
from app.foundation.storage.errors import StoreError
from app.intake import shards
from app.intake.records import Unreadable, decode
from app.intake.shards import Shard, ShardLost
from workers.intake.kinesis import KINESIS_ERRORS, Batch, IteratorExpired, Raw, Throttled
from workers.intake.metrics import BEHIND, RECORDS, THROTTLED
from workers.intake.services import StreamServices
from workers.intake.shard_streams import ShardStreams
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

# A shard gives five reads a second, to all groups together.
_LEAST_PAUSE = 0.25
_MOST_PAUSE = 5.0
# Bytes that are read and not durable, of all streams of the shard.
_MOST_BUFFERED = 16 * 1024 * 1024
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
        self._begin_again()

    def _begin_again(self) -> None:
        self._position = self._checkpoint
        self._streams = ShardStreams(self._services, self.shard)
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
                    self._begin_again()
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
            poll = self._services.settings.kinesis_poll_seconds
            await self._wait(poll if batch.caught_up else pause)
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
            if await self._take(raw) or self._is_due():
                await self._flush()
        patience = self._services.settings.kinesis_gap_seconds
        await self._streams.look_for_gaps(
            patience if batch.caught_up else _BEHIND_PATIENCE * patience
        )
        if self._is_due():
            await self._flush()

    async def _take(self, raw: Raw) -> bool:
        """Takes a record; True when a stream is complete with it."""
        before, self._position = self._position, raw.sequence
        try:
            record = decode(raw.partition_key, raw.data)
        except Unreadable as error:
            RECORDS.labels("broken").inc()
            self._log.warning("record.broken", sequence=raw.sequence, why=str(error)[:500])
            return False
        return await self._streams.take(raw.partition_key, record, before)

    def _is_due(self) -> bool:
        if self._position == self._checkpoint:
            return False
        waited = time.monotonic() - self._flushed
        is_late = waited > self._services.settings.kinesis_flush_seconds
        return is_late or self._streams.buffered > _MOST_BUFFERED

    async def _flush(self, *, finished: bool = False) -> None:
        """Makes all that was read in order durable, and moves the checkpoint behind it."""
        checkpoint = self._streams.durable_position(self._position)
        async with self._services.transaction() as tx:
            await shards.move_checkpoint(
                tx, self._services.group, self.shard, checkpoint, finished=finished
            )
            saved = await self._streams.save(tx)
        self._streams.forget_saved(saved)
        self._checkpoint = checkpoint
        self._flushed = time.monotonic()

    async def _end(self) -> None:
        """The shard is closed, and nothing of it is left: its children can start."""
        patience = self._services.settings.kinesis_gap_seconds
        while self._streams.waiting:
            await self._streams.look_for_gaps(patience)
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
