"""One consumer of a group: takes its share of the shards, and keeps a reader on each."""

import asyncio
import contextlib

import structlog

from app.intake import shards
from app.intake.shards import Shard
from workers.intake.kinesis import KINESIS_ERRORS, ListedShard
from workers.intake.metrics import LEASES
from workers.intake.services import StreamServices
from workers.intake.shard_reader import ShardReader
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

# How long readers get to make durable what they have read.
_DRAIN_SECONDS = 20.0


class Consumer:
    """Runs until `stop` is set; then readers finish what they have read and hand shards back."""

    def __init__(self, services: StreamServices) -> None:
        self._services = services
        self._lease = services.settings.lease
        self._readers: dict[str, tuple[ShardReader, asyncio.Task[None]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        beating = asyncio.create_task(self._beat_forever())
        try:
            while not stop.is_set():
                try:
                    await self._take_share()
                except (*KINESIS_ERRORS, *DATABASE_AWAY) as error:
                    log.warning("consumer.again", error=repr(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._lease.total_seconds() / 3)
            await self._hand_back()
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            for _, reading in self._readers.values():
                reading.cancel()
            self._services.source.close()

    async def _take_share(self) -> None:
        """One look at what the stream has and who reads it."""
        listed = await self._services.source.list_shards()
        self._drop_ended()
        self._tell_endings(listed)
        services = self._services
        async with services.transaction() as tx:
            await shards.add_shards(tx, services.group, _with_known_parents(listed))
            seen = await shards.list_shards(tx, services.group)
        # Without what Kinesis keeps no more: nobody could read it.
        there = {shard.id for shard in listed}
        wanted = shards.plan_takeover([s for s in seen if s.id in there], services.owner)
        for shard in wanted:
            if shard.id in self._readers:
                continue
            async with services.transaction() as tx:
                taken = await shards.take(
                    tx, services.group, shard, owner=services.owner, lease=self._lease
                )
            if taken is not None:
                self._start(taken)
        self._tell_endings(listed)

    def _start(self, shard: Shard) -> None:
        log.info("shard.taken", shard=shard.id, after=shard.checkpoint, fence=shard.fence)
        reader = ShardReader(self._services, shard)
        self._readers[shard.id] = (reader, asyncio.create_task(reader.run()))
        LEASES.set(len(self._readers))

    def _tell_endings(self, listed: list[ListedShard]) -> None:
        for shard in listed:
            if shard.id in self._readers:
                self._readers[shard.id][0].ending = shard.ending

    def _drop_ended(self) -> None:
        for shard_id, (_, reading) in list(self._readers.items()):
            if reading.done():
                if not reading.cancelled() and (error := reading.exception()):
                    # Its lease runs out, and whoever takes the shard begins at the checkpoint.
                    log.error("reader.ended", shard=shard_id, exc_info=error)
                del self._readers[shard_id]
        LEASES.set(len(self._readers))

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                await self._beat()
            except DATABASE_AWAY as error:
                log.warning("consumer.heartbeat_failed", error=repr(error))

    async def _beat(self) -> None:
        """Extends the leases of readers that run; ends those whose lease is gone."""
        running = {
            shard_id: (reader, reading)
            for shard_id, (reader, reading) in self._readers.items()
            if not reading.done()
        }
        services = self._services
        async with services.transaction() as tx:
            held = await shards.extend(
                tx,
                services.group,
                [reader.shard for reader, _ in running.values()],
                lease=self._lease,
            )
        for shard_id, (_, reading) in running.items():
            if shard_id not in held:
                log.info("shard.lost", shard=shard_id)
                reading.cancel()

    async def _hand_back(self) -> None:
        """The heartbeat goes on meanwhile: parts may take their time to be stored."""
        for reader, _ in self._readers.values():
            reader.stop.set()
        reading = [task for _, task in self._readers.values()]
        if reading:
            await asyncio.wait(reading, timeout=_DRAIN_SECONDS)


def _with_known_parents(listed: list[ListedShard]) -> list[tuple[str, list[str]]]:
    """Shards with those of their parents that can still be read."""
    there = {shard.id for shard in listed}
    return [(shard.id, [parent for parent in shard.parents if parent in there]) for shard in listed]
