"""Sends a message for every task that is ready, and rings again for messages that got lost.

A row is its own outbox: `rung_at` is empty until a queue has taken its message, and is written
after that. Killed in between, the relay sends it once more; a worker that gets a message for a
task that is taken or done deletes it, so that twice is as good as once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from prometheus_client import Counter, Gauge

from app.foundation.db.database import Database
from app.foundation.db.listening import listen_forever
from app.foundation.sqs import MOST_IN_BATCH, SQS_ERRORS, Depth, QueueMissing, Sqs
from app.foundation.threads import Threads
from app.jobs.catalog import QUEUES
from app.jobs.queue_names import Band, band_of, dead_letter_name, queue_name
from app.jobs.rings import (
    Backlog,
    Unrung,
    find_unrung,
    in_band,
    mark_rung,
    measure_backlog,
    ring_again,
    rung_before,
)
from app.jobs.wake import CHANNEL
from app.jobs.wakeup import WakeUp, entry_of
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

RUNG = Counter("spool_wakeups_sent_total", "Messages that a queue has taken.", ["queue"])
RUNG_AGAIN = Counter("spool_wakeups_lost_total", "Ready tasks that were rung for again.", ["queue"])
_MESSAGES = Gauge("spool_queue_messages", "Messages in SQS, roughly.", ["queue", "state"])

# Little enough that a transaction is short; a relay that is behind takes one after another.
BATCH = 200
THREADS = 4
_POLL_SECONDS = 1.0
_PAUSE_SECONDS = 0.2
_PAUSE_MOST_SECONDS = 5.0
_MEASURE_SECONDS = 30.0
# SQS counts its messages within a minute or so. A task whose band has fewer messages than ready
# tasks for longer than that has lost its own; after half an hour nobody counts any more.
LOST_AFTER = timedelta(minutes=2)
ANYWAY_AFTER = timedelta(minutes=30)


class WakeRelay:
    """Rings until cancelled. Any number may run; one at a time sends.

    Args:
        prefix: Of the queues' names.
        xray: Whether messages carry the trace in X-Ray's form too.
    """

    def __init__(self, database: Database, sqs: Sqs, *, prefix: str, xray: bool) -> None:
        self._database = database
        self._sqs = sqs
        self._prefix = prefix
        self._xray = xray
        self._bell = asyncio.Event()
        self._threads = Threads(THREADS, "wake-relay")

    def wake(self) -> None:
        """Something may be ready. To be called on the event loop."""
        self._bell.set()

    async def run_forever(self) -> None:
        try:
            async with asyncio.TaskGroup() as together:
                together.create_task(
                    listen_forever(
                        self._database,
                        CHANNEL,
                        lambda _: self.wake(),
                        connected=self.wake,
                        name="spool-wake-relay",
                    )
                )
                together.create_task(self._ring_forever())
                together.create_task(self._measure_forever())
        finally:
            self._threads.close()

    async def _ring_forever(self) -> None:
        pause = _PAUSE_SECONDS
        while True:
            # Cleared first: what becomes ready during the round is found in the next one.
            self._bell.clear()
            try:
                found, sent = await self.relay()
            except DATABASE_AWAY as error:
                log.warning("wake_relay.database_away", error=str(error))
                found, sent = 1, 0
            if found and not sent:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _PAUSE_MOST_SECONDS)
                continue
            pause = _PAUSE_SECONDS
            # A row that was locked could not be marked, and would be sent for again and again.
            if sent == found < BATCH:
                await _wait(self._bell, _POLL_SECONDS)

    async def relay(self) -> tuple[int, int]:
        """One round; how many tasks wanted a message, and for how many one has left."""
        async with self._database.dispatch() as tx:
            tasks = await find_unrung(tx, limit=BATCH)
            sent = await self._send(tasks)
            if sent:
                await mark_rung(tx, sent)
        return len(tasks), len(sent)

    async def _send(self, tasks: Sequence[Unrung]) -> list[Unrung]:
        by_queue: defaultdict[str, list[Unrung]] = defaultdict(list)
        for task in tasks:
            by_queue[queue_name(self._prefix, task.queue, band_of(task.priority))].append(task)
        batches = [
            self._threads.run(self._send_batch, name, batch)
            for name, of_queue in by_queue.items()
            for batch in _batches(of_queue)
        ]
        return [task for sent in await asyncio.gather(*batches) for task in sent]

    def _send_batch(self, name: str, batch: Sequence[Unrung]) -> list[Unrung]:
        """In a thread; the tasks whose messages the queue has taken for certain."""
        entries = [
            entry_of(
                WakeUp(task.id, task.kind), task.correlation_id, task.traceparent, xray=self._xray
            )
            for task in batch
        ]
        try:
            taken = self._sqs.send(name, entries)
        except (QueueMissing, *SQS_ERRORS) as error:
            log.warning("wake_relay.not_sent", queue=name, tasks=len(batch), error=str(error))
            return []
        RUNG.labels(name).inc(len(taken))
        return [batch[place] for place in taken]

    async def _measure_forever(self) -> None:
        while True:
            try:
                await self.measure()
            except (QueueMissing, *SQS_ERRORS, *DATABASE_AWAY) as error:
                log.warning("wake_relay.not_measured", error=str(error))
            await asyncio.sleep(_MEASURE_SECONDS)

    async def measure(self) -> None:
        """Counts what waits in SQS, and rings again for what the table has and SQS has lost.

        Raises:
            QueueMissing, or what SQS_ERRORS and DATABASE_AWAY name.
        """
        for queue in QUEUES:
            for band in Band:
                name = queue_name(self._prefix, queue, band)
                depths = await self._depths(name)
                async with self._database.dispatch() as tx:
                    backlog = await measure_backlog(tx, queue, band)
                    age = _age_of_loss(backlog, depths[name])
                    again = await ring_again(tx, in_band(queue, band), rung_before(age))
                if again:
                    RUNG_AGAIN.labels(name).inc(again)
                    log.warning("wake_relay.rung_again", queue=name, tasks=again)
                    self.wake()

    async def _depths(self, name: str) -> Mapping[str, Depth]:
        depths = {}
        for each in (name, dead_letter_name(name)):
            depth = await self._threads.run(self._sqs.depth, each)
            depths[each] = depth
            _MESSAGES.labels(each, "visible").set(depth.visible)
            _MESSAGES.labels(each, "in_flight").set(depth.in_flight)
        return depths


def _age_of_loss(backlog: Backlog, depth: Depth) -> timedelta:
    """After how long a task that was rung for and is still ready has lost its message."""
    return LOST_AFTER if depth.total < backlog.ready - backlog.unrung else ANYWAY_AFTER


def _batches(tasks: Sequence[Unrung]) -> list[Sequence[Unrung]]:
    return [tasks[first : first + MOST_IN_BATCH] for first in range(0, len(tasks), MOST_IN_BATCH)]


async def _wait(bell: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await bell.wait()
    except TimeoutError:
        return
