"""Dramatiq on the task table: rows are claimed in batches, and a NOTIFY wakes who waits.

There is no queue beside the table, so nothing has to be kept in step with it.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping

import structlog
from dramatiq import Consumer, MessageProxy

from app.foundation.db.database import Database
from app.foundation.telemetry.seldom import Seldom
from app.jobs.claim import Lease, claim
from workers.leases import DATABASE_AWAY, Leases
from workers.task_broker import LeasedMessage, TaskBroker, leased, loop_thread

log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 0.2


class PostgresBroker(TaskBroker):
    """Claims whatever is ready when it hears of something, and now and then."""

    def __init__(
        self, database: Database, leases: Leases, *, slots: Mapping[str, int], worker: str
    ) -> None:
        super().__init__(database, leases, slots=slots, worker=worker)
        self.bells = {queue: threading.Event() for queue in slots}

    def make_consumer(self, queue: str, timeout: float) -> Consumer:
        return _TaskConsumer(self, queue, timeout)

    def heard(self, what: str) -> None:
        super().heard(what)
        if what in self.bells:
            self.bells[what].set()

    def connected(self) -> None:
        super().connected()
        for bell in self.bells.values():
            bell.set()


class _TaskConsumer(Consumer):
    def __init__(self, broker: PostgresBroker, queue: str, timeout: float) -> None:
        self._broker = broker
        self._queue = queue
        self._bell = broker.bells[queue]
        self._slots = broker.slots[queue]
        self._timeout = timeout
        self._outage = Seldom()
        self._claimed: deque[Lease] = deque()

    def __next__(self) -> MessageProxy | None:
        if not self._claimed:
            # Cleared first: what rings during the claim is claimed in the next round.
            self._bell.clear()
            if free := self._slots.free:
                self._claimed.extend(self._claim(free))
        if self._claimed:
            return LeasedMessage(self._claimed.popleft())
        self._bell.wait(self._timeout)
        return None

    def _claim(self, limit: int) -> list[Lease]:
        try:
            leases = loop_thread().run_coroutine(self._claim_on_loop(limit))
        except DATABASE_AWAY as error:
            if self._outage.due():
                log.warning("claim.failed", queue=self._queue, error=str(error))
            self._bell.wait(_AGAIN_SECONDS)
            return []
        self._outage.over()
        self._slots.take(len(leases))
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
        self._slots.give()
        self._bell.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        back = [*map(leased, messages), *self._claimed]
        self._claimed.clear()
        self._broker.hand_back(back)

    def close(self) -> None:
        self.requeue([])
