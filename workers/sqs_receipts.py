"""What happens to messages that were received: deleted, kept hidden, or shown again, in batches."""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sized
from typing import Any

import structlog

from app.foundation.sqs import SQS_ERRORS, QueueMissing, Received, Sqs
from app.foundation.telemetry.aws_calls import about_messages

log = structlog.get_logger(__name__)

# Two requests under way: while one waits for its answer the next batch fills.
_THREADS = 2
# Nobody waits for any of this, and a request costs as much for one message as for ten.
_GATHER_SECONDS = 0.05
# The longest that SQS hides a message from now.
_HIDDEN_MOST_SECONDS = 12 * 3600

# What is to be done with a message: for how long to hide it; None deletes.
_Order = tuple[Received, int | None]


class Receipts:
    """Does what it is told in threads of its own, whatever has gathered in one request.

    Nothing depends on it: a message that could not be deleted comes back, finds its task done,
    and is deleted then.
    """

    def __init__(self, sqs: Sqs) -> None:
        self._sqs = sqs
        self._closed = threading.Event()
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._gathering = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name="sqs-receipts", daemon=True)
            for _ in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def delete(self, *messages: Received) -> None:
        for message in messages:
            self._order(message, None)

    def hide(self, messages: Iterable[Received], seconds: float) -> None:
        """Nobody receives them for so long; 0 shows them at once."""
        hidden = min(round(seconds), _HIDDEN_MOST_SECONDS)
        for message in messages:
            self._order(message, hidden)

    def _order(self, message: Received, seconds: int | None) -> None:
        order = (message, seconds)
        if self._closed.is_set():  # a poll that ended late is on a thread of its own
            self._carry_out([order])
        else:
            self._orders.put(order)

    def close(self, seconds: float) -> None:
        """Does what is left to do, for so long at the most."""
        self._closed.set()
        self._orders.put(None)
        for thread in self._threads:
            thread.join(seconds)

    def _run(self) -> None:
        while orders := self._gather():
            self._carry_out(orders)

    def _gather(self) -> list[_Order]:
        """What has come a moment after the first order; nothing when this is closed."""
        with self._gathering:
            orders = [self._orders.get()]
            self._closed.wait(_GATHER_SECONDS)
            orders += [self._orders.get() for _ in range(self._orders.qsize())]
            if None in orders:
                self._orders.put(None)  # the end, for the other thread and the next round
            return [order for order in orders if order is not None]

    def _carry_out(self, orders: Iterable[_Order]) -> None:
        deleted: defaultdict[str, list[Received]] = defaultdict(list)
        hidden: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for message, seconds in orders:
            if seconds is None:
                deleted[message.queue].append(message)
            else:
                hidden[message.queue][message.receipt] = seconds
        # Hidden first: what the heartbeat hides may have ended since.
        for name, times in hidden.items():
            self._ask(self._sqs.hide, name, times)
        for name, messages in deleted.items():
            # Hiding is told in no trace: a lease is extended many times.
            with about_messages([message.origin for message in messages]):
                self._ask(self._sqs.delete, name, [message.receipt for message in messages])

    def _ask(self, call: Callable[[str, Any], int], name: str, receipts: Sized) -> None:
        try:
            failed = call(name, receipts)
        except (QueueMissing, *SQS_ERRORS) as error:
            log.warning("sqs.receipts_failed", queue=name, messages=len(receipts), error=str(error))
            return
        if failed:
            log.info("sqs.receipts_stale", queue=name, messages=failed)
