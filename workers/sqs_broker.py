"""Dramatiq on SQS: messages wake, the task table decides.

A message names a row. Who receives it claims that row; if the row is taken, done or gone already
the message has served its purpose and is deleted. So a message may come twice, late or never
without harm: the relay (wake_relay) rings again for what is still ready. Retries, delays and dead
tasks are the rows' affair; the redrive policy of the queues gets what is no message of ours.
"""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence

import structlog
from dramatiq import Consumer, MessageProxy
from dramatiq.asyncio import get_event_loop_thread
from prometheus_client import Counter

from app.foundation.db.database import Database
from app.foundation.sqs import Received, Sqs
from app.foundation.telemetry.seldom import Seldom
from app.jobs.claim import Lease, claim_tasks, still_ready
from app.jobs.models import Task
from app.jobs.queue_names import bands_of
from app.jobs.rings import ring_again
from app.jobs.wake import ring
from app.jobs.wakeup import Poison, WakeUp, read_wakeup
from workers.leases import DATABASE_AWAY, Leases
from workers.sqs_polls import BandPolls
from workers.sqs_receipts import Receipts
from workers.task_broker import LeasedMessage, TaskBroker, leased, loop_thread

log = structlog.get_logger(__name__)

POISON = Counter(
    "spool_poison_messages_total", "Receives of messages that wake nobody.", ["queue", "reason"]
)
PASSED_ON = Counter(
    "spool_wakeups_passed_on_total", "Messages that came when no slot was free.", ["queue"]
)

_AGAIN_SECONDS = 0.2
# Rows are locked for as long as a transaction; who claims them then knows in a moment. The first
# pauses are those of a relay that is about to say that it has sent the message.
_LOCKED_PAUSES = (0.002, 0.004, 0.008, *[0.02] * 8)
_LOCKED_HIDDEN_SECONDS = 1
# Poison comes back after 1, 2, 4 … seconds: not at once, in case it is a newer version's message.
_POISON_MOST_SECONDS = 60
_CLOSE_SECONDS = 2.0


class RungMessage(LeasedMessage):
    """A lease with the message that woke its worker."""

    def __init__(self, lease: Lease, received: Received) -> None:
        super().__init__(lease)
        self.received = received

    @property
    def came_by(self) -> dict[str, str]:
        return {
            "messaging.system": "aws_sqs",
            "messaging.destination.name": self.received.queue,
            "messaging.message.id": self.received.id,
        }


class SqsBroker(TaskBroker):
    """Claims the rows that messages name.

    Args:
        prefix: Of the queues' names.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        sqs: Sqs,
        *,
        slots: Mapping[str, int],
        worker: str,
        prefix: str,
        wait_seconds: int,
    ) -> None:
        super().__init__(database, leases, slots=slots, worker=worker)
        self.sqs = sqs
        self.prefix = prefix
        self.wait_seconds = wait_seconds
        self.hidden_seconds = round(leases.duration.total_seconds())
        self.receipts = Receipts(sqs)
        self.draining = threading.Event()
        self._held: dict[str, Received] = {}
        leases.on_extended = self._stay_hidden

    def make_consumer(self, queue: str, timeout: float) -> Consumer:
        return _SqsConsumer(self, queue, timeout)

    def drain(self) -> None:
        self.draining.set()
        super().drain()

    def close(self) -> None:
        """Ends what is under way with messages, for a few seconds at most."""
        self.receipts.close(_CLOSE_SECONDS)

    def hold(self, lease: Lease, received: Received) -> RungMessage:
        self._held[lease.id] = received
        return RungMessage(lease, received)

    def let_go(self, message: RungMessage) -> None:
        """The message is done with: its row says what is to follow."""
        if self._held.get(message.lease.id) is message.received:
            del self._held[message.lease.id]
        self.receipts.delete(message.received)

    def _stay_hidden(self, task_ids: Collection[str]) -> None:
        """With the leases of these tasks, their messages are extended too."""
        held = [self._held.get(task_id) for task_id in task_ids]
        self.receipts.hide([each for each in held if each is not None], self.hidden_seconds)

    def pass_on(self, queue: str, messages: Sequence[Received]) -> None:
        """Has the relay ring once more for tasks that there is no slot for here.

        Shown again, the message would count as received once more, and after a few busy workers
        it would be a dead letter.
        """
        PASSED_ON.labels(queue).inc(len(messages))
        sound = self.without_poison(messages)
        copies = [each for of_task in sound.values() for each in of_task]
        loop = get_event_loop_thread()
        if loop is None or not loop.loop.is_running():
            self.receipts.hide(copies, 0)  # the process is ending
            return
        try:
            loop.run_coroutine(self._ring_again(list(sound), queue))
        except DATABASE_AWAY as error:
            log.warning("sqs.not_passed_on", queue=queue, error=str(error))
            self.receipts.hide(copies, 0)
        else:
            self.receipts.delete(*copies)

    async def _ring_again(self, task_ids: Sequence[str], queue: str) -> None:
        async with self.database.dispatch() as tx:
            await ring_again(tx, Task.id.in_(task_ids))
            await ring(tx, [queue])

    def without_poison(self, messages: Iterable[Received]) -> dict[str, list[Received]]:
        """By task id; what names no task of ours is counted and left to the redrive policy."""
        found: dict[str, list[Received]] = {}
        for message in messages:
            said = read_wakeup(message.body)
            if isinstance(said, WakeUp) and said.kind not in self.actors:
                said = Poison.UNKNOWN_KIND
            if isinstance(said, WakeUp):
                found.setdefault(said.task_id, []).append(message)
                continue
            POISON.labels(message.queue, said.value).inc()
            if message.receives == 1:  # the counter counts the others
                log.warning(
                    "sqs.poison", queue=message.queue, message_id=message.id, reason=said.value
                )
            pause = min(2 ** (message.receives - 1), _POISON_MOST_SECONDS)
            self.receipts.hide([message], pause)
        return found


class _SqsConsumer(Consumer):
    def __init__(self, broker: SqsBroker, queue: str, timeout: float) -> None:
        self._broker = broker
        self._queue = queue
        self._slots = broker.slots[queue]
        self._timeout = timeout
        self._outage = Seldom()
        self._claimed: deque[RungMessage] = deque()
        self._polls = BandPolls(
            broker.sqs,
            bands_of(broker.prefix, queue),
            self._slots,
            wait_seconds=broker.wait_seconds,
            hidden_seconds=broker.hidden_seconds,
            pass_on=lambda messages: broker.pass_on(queue, messages),
        )

    def __next__(self) -> MessageProxy | None:
        if not self._claimed:
            messages = self._polls.take(self._timeout)
            if messages:
                self._claimed.extend(self._claim(messages))
                self._slots.give(len(messages) - len(self._claimed))
        return self._claimed.popleft() if self._claimed else None

    def _claim(self, messages: Sequence[Received]) -> list[RungMessage]:
        """Takes the rows that the messages name, and deletes messages whose row cannot be had."""
        wanted = self._broker.without_poison(messages)
        claimed: list[RungMessage] = []
        for pause in _LOCKED_PAUSES:
            answer = self._claim_persistently(wanted)
            if answer is None:
                return claimed
            leases, locked = answer
            for lease in leases:
                first, *copies = wanted.pop(lease.id)
                claimed.append(self._broker.hold(lease, first))
                self._broker.receipts.delete(*copies)
            for task_id in wanted.keys() - locked:
                self._broker.receipts.delete(*wanted.pop(task_id))
            if not wanted:
                return claimed
            time.sleep(pause)
        for left in wanted.values():
            self._broker.receipts.hide(left, _LOCKED_HIDDEN_SECONDS)
        return claimed

    def _claim_persistently(
        self, wanted: Mapping[str, Sequence[Received]]
    ) -> tuple[list[Lease], set[str]] | None:
        """Keeps the messages hidden while the database is away; None when it is time to go.

        Left alone they would come back and be received over and over, until they are dead letters.
        """
        if not wanted:
            return [], set()
        hidden_until = time.monotonic() + self._broker.hidden_seconds / 2
        while True:
            try:
                answer = loop_thread().run_coroutine(self._claim_on_loop(list(wanted)))
            except DATABASE_AWAY as error:
                if self._outage.due():
                    log.warning("claim.failed", queue=self._queue, error=str(error))
            else:
                self._outage.over()
                return answer
            messages = [each for copies in wanted.values() for each in copies]
            if self._broker.draining.wait(_AGAIN_SECONDS):
                self._broker.receipts.hide(messages, 0)
                return None
            if time.monotonic() > hidden_until:
                hidden_until = time.monotonic() + self._broker.hidden_seconds / 2
                self._broker.receipts.hide(messages, self._broker.hidden_seconds)

    async def _claim_on_loop(self, task_ids: Sequence[str]) -> tuple[list[Lease], set[str]]:
        """The leases, and the tasks that could not be had although they are ready."""
        broker = self._broker
        async with broker.database.dispatch() as tx:
            leases = await claim_tasks(
                tx, task_ids, worker=broker.worker, lease=broker.leases.duration
            )
            missing = set(task_ids) - {lease.id for lease in leases}
            locked = await still_ready(tx, list(missing)) if missing else set()
        for lease in leases:
            broker.leases.add(lease)
        return leases, locked

    def ack(self, message: MessageProxy) -> None:
        self._free(message)

    def nack(self, message: MessageProxy) -> None:
        self._free(message)

    def _free(self, message: MessageProxy) -> None:
        loop_thread().loop.call_soon_threadsafe(self._broker.leases.discard, leased(message))
        self._broker.let_go(_rung(message))
        self._slots.give()
        self._polls.wake()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        back = [*map(_rung, messages), *self._claimed]
        self._claimed.clear()
        self._broker.hand_back([message.lease for message in back])
        for message in back:
            self._broker.let_go(message)

    def close(self) -> None:
        left = self._polls.stop()
        if left:
            self._broker.pass_on(self._queue, left)
        self.requeue([])


def _rung(message: MessageProxy) -> RungMessage:
    if not isinstance(message, RungMessage):
        raise TypeError(f"not a message of this broker: {message}")
    return message
