"""Dramatiq on the task table: rows are claimed in batches, and a NOTIFY wakes who waits.

There is no queue beside the table, so nothing has to be kept in step with it. A message exists
in memory only: it is the lease on a row, wrapped for Dramatiq. Delay, priority, retries and dead
letters are columns and states of the row; see app/jobs.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Mapping

import asyncpg
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.errors import QueueNotFound
from dramatiq.middleware import Middleware

from app.foundation.db.database import Database
from app.jobs.claim import Lease, claim, hand_back
from app.jobs.wake import CANCELLED, CHANNEL, ring
from workers.leases import DATABASE_AWAY, Leases

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS = 0.2


class LeasedMessage(MessageProxy):
    """A message with the lease it stands for."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(
            Message(
                queue_name=lease.queue,
                actor_name=lease.kind,
                args=(lease.id,),
                kwargs={},
                options={},
            )
        )
        self.lease = lease


class PostgresBroker(Broker):
    """Hands rows of the task table to Dramatiq's workers.

    Args:
        slots: How many tasks of each queue run at once in this process. No more are claimed: a
            task that waits inside a busy process is one that an idle one could have had.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        *,
        slots: Mapping[str, int],
        worker: str,
        middleware: list[Middleware],
    ) -> None:
        super().__init__(middleware=middleware)
        self.database = database
        self.leases = leases
        self.slots = slots
        self.worker = worker
        self.draining = False
        self._bells: dict[str, threading.Event] = {}

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self._bells[queue_name] = threading.Event()
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        del prefetch  # slots say how many; Dramatiq's own number counts threads of all queues
        if queue_name not in self._bells:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]  # Dramatiq leaves it untyped
        return _TaskConsumer(self, queue_name, self._bells[queue_name], timeout / 1000)

    def enqueue(self, message: Message, *, delay: int | None = None) -> Message:  # type: ignore[type-arg]  # as in the base class
        """Rings for a task that is a row already: `actor.send(task_id)`.

        Raises:
            ValueError: with a delay, which belongs to the row: `NewTask(delay=…)`.
        """
        if delay is not None:
            raise ValueError("a delay belongs to the task's row: submit NewTask(delay=…)")
        loop_thread().run_coroutine(self._ring(message.queue_name))
        return message

    async def _ring(self, queue: str) -> None:
        async with self.database.dispatch() as tx:
            await ring(tx, [queue])

    def wake(self, queue_name: str) -> None:
        bell = self._bells.get(queue_name)
        if bell is not None:
            bell.set()

    def _heard(self, what: str) -> None:
        if what == CANCELLED:
            self.leases.beat_soon()
        else:
            self.wake(what)

    def drain(self) -> None:
        """Claims nothing from now on."""
        self.draining = True

    async def listen_forever(self) -> None:
        """Passes NOTIFY on to the consumers until cancelled, over a connection of its own."""
        while True:
            gone = asyncio.Event()
            try:
                connection = await self._listening_connection(gone)
            except DATABASE_AWAY as error:
                log.warning("doorbell.away", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            try:
                # What rang while nobody listened was not heard.
                for queue in self._bells:
                    self.wake(queue)
                await gone.wait()
            finally:
                connection.terminate()

    async def _listening_connection(
        self, gone: asyncio.Event
    ) -> "asyncpg.Connection[asyncpg.Record]":
        url = self.database.engine.url
        connection = await asyncpg.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=url.password,
            database=url.database,
            timeout=10,
        )
        connection.add_termination_listener(lambda _: gone.set())
        await connection.add_listener(CHANNEL, lambda _c, _p, _ch, what: self._heard(str(what)))
        return connection


class _TaskConsumer(Consumer):
    def __init__(
        self, broker: PostgresBroker, queue: str, bell: threading.Event, timeout: float
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._bell = bell
        self._timeout = timeout
        self._claimed: deque[Lease] = deque()
        self._busy = 0
        self._lock = threading.Lock()

    def __next__(self) -> MessageProxy | None:
        if not self._claimed:
            # Cleared first: what rings during the claim is claimed in the next round.
            self._bell.clear()
            free = self._broker.slots.get(self._queue, 0) - self._busy
            if free > 0 and not self._broker.draining:
                self._claimed.extend(self._claim(free))
        if self._claimed:
            return LeasedMessage(self._claimed.popleft())
        self._bell.wait(self._timeout)
        return None

    def _claim(self, limit: int) -> list[Lease]:
        try:
            leases = loop_thread().run_coroutine(self._claim_on_loop(limit))
        except DATABASE_AWAY as error:
            log.warning("claim.failed", queue=self._queue, error=str(error))
            self._bell.wait(_RECONNECT_SECONDS)
            return []
        with self._lock:
            self._busy += len(leases)
        return leases

    async def _claim_on_loop(self, limit: int) -> list[Lease]:
        broker = self._broker
        async with broker.database.dispatch() as tx:
            leases = await claim(
                tx, self._queue, limit=limit, worker=broker.worker, lease=broker.leases.duration
            )
        for lease in leases:
            broker.leases.add(lease)
        return leases

    def ack(self, message: MessageProxy) -> None:
        self._free(message)

    def nack(self, message: MessageProxy) -> None:
        self._free(message)

    def _free(self, message: MessageProxy) -> None:
        loop_thread().loop.call_soon_threadsafe(self._broker.leases.discard, leased(message))
        with self._lock:
            self._busy -= 1
        self._bell.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        leases = [leased(message) for message in messages] + list(self._claimed)
        self._claimed.clear()
        if leases:
            loop_thread().run_coroutine(self._hand_back(leases))

    async def _hand_back(self, leases: list[Lease]) -> None:
        async with self._broker.database.dispatch() as tx:
            await ring(tx, await hand_back(tx, [(lease.id, lease.fence) for lease in leases]))

    def close(self) -> None:
        self.requeue([])


def leased(message: MessageProxy) -> Lease:
    if not isinstance(message, LeasedMessage):
        raise TypeError(f"not a message of this broker: {message}")
    return message.lease


def loop_thread() -> EventLoopThread:
    """The thread of Dramatiq's AsyncIO middleware, on which everything asynchronous runs."""
    thread = get_event_loop_thread()
    if thread is None:
        raise RuntimeError("the worker has not been started")
    return thread
