"""What brokers of the task table share: a message is the lease on a row, wrapped for Dramatiq.

It exists in memory only. Delay, priority, retries and dead letters are columns and states of the
row; see app/jobs.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.asyncio import EventLoopThread, get_event_loop_thread
from dramatiq.errors import QueueNotFound

from app.foundation.db.database import Database
from app.foundation.db.listening import listen_forever
from app.jobs.claim import Lease, hand_back
from app.jobs.wake import CANCELLED, CHANNEL, ring
from workers.leases import Leases


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

    @property
    def came_by(self) -> dict[str, str]:
        """System, destination and id, as OpenTelemetry's conventions for messaging call them."""
        return {
            "messaging.system": "spool",
            "messaging.destination.name": self.lease.queue,
            "messaging.message.id": self.lease.id,
        }


class Slots:
    """How many more tasks of a queue fit into this process."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._open = True
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        return self._free if self._open else 0

    def take(self, wanted: int) -> int:
        """Takes up to so many; how many there were."""
        with self._lock:
            taken = max(0, min(wanted, self.free))
            self._free -= taken
            return taken

    def give(self, count: int = 1) -> None:
        with self._lock:
            self._free += count

    def close(self) -> None:
        """There is no room from now on."""
        with self._lock:
            self._open = False


class TaskBroker(Broker, ABC):
    """Hands rows of the task table to Dramatiq's workers.

    Args:
        slots: How many tasks of each queue run at once in this process. No more are claimed: a
            task that waits inside a busy process is one that an idle one could have had.
    """

    def __init__(
        self, database: Database, leases: Leases, *, slots: Mapping[str, int], worker: str
    ) -> None:
        super().__init__(middleware=[])
        self.database = database
        self.leases = leases
        self.slots = {queue: Slots(count) for queue, count in slots.items()}
        self.worker = worker

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = self.slots[queue_name]
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        del prefetch  # slots say how many; Dramatiq's own number counts threads of all queues
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]  # Dramatiq leaves it untyped
        return self.make_consumer(queue_name, timeout / 1000)

    @abstractmethod
    def make_consumer(self, queue: str, timeout: float) -> Consumer:
        """What a thread asks for messages; it is answered within so many seconds."""

    def drain(self) -> None:
        """Takes nothing from now on."""
        for slots in self.slots.values():
            slots.close()

    async def listen_forever(self) -> None:
        """Hears what PostgreSQL has to say to workers, until cancelled."""
        await listen_forever(
            self.database, CHANNEL, self.heard, connected=self.connected, name="spool-worker-bell"
        )

    def heard(self, what: str) -> None:
        """The name of a queue that has work, or that a lease was taken away."""
        if what == CANCELLED:
            self.leases.beat_soon()

    def connected(self) -> None:
        """What rang while nobody listened was not heard."""
        self.leases.beat_soon()

    def hand_back(self, leases: Sequence[Lease]) -> None:
        """Returns tasks unfinished: the worker is going away."""
        if leases:
            loop_thread().run_coroutine(self._hand_back(leases))

    async def _hand_back(self, leases: Sequence[Lease]) -> None:
        async with self.database.dispatch() as tx:
            await ring(tx, await hand_back(tx, [(lease.id, lease.fence) for lease in leases]))
        for lease in leases:
            self.leases.discard(lease)


def leased(message: MessageProxy) -> Lease:
    return ours(message).lease


def ours(message: MessageProxy) -> LeasedMessage:
    if not isinstance(message, LeasedMessage):
        raise TypeError(f"not a message of this broker: {message}")
    return message


def loop_thread() -> EventLoopThread:
    """The thread of Dramatiq's AsyncIO middleware, on which everything asynchronous runs."""
    thread = get_event_loop_thread()
    if thread is None:
        raise RuntimeError("the worker has not been started")
    return thread
