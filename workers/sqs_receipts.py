"""What happens to messages that were received: deleted, kept hidden, or shown again, in batches."""

import queue
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator

import structlog

from app.foundation.sqs import SQS_ERRORS, QueueMissing, Received, Sqs

log = structlog.get_logger(__name__)

# Two requests under way: while one waits for its answer the next batch fills.
_THREADS = 2
_MOST = 200
# The longest that SQS hides a message from now.
_HIDDEN_MOST_SECONDS = 12 * 3600

# What is to be done: the queue's name, the receipt, and for how long to hide; None deletes.
_Order = tuple[str, str, int | None]


class Receipts:
    """Does what it is told in threads of its own, whatever has gathered in one request.

    Nothing depends on it: a message that could not be deleted comes back, finds its task done,
    and is deleted then.
    """

    def __init__(self, sqs: Sqs) -> None:
        self._sqs = sqs
        self._closed = False
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
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
        if self._closed:  # a poll that ended late is on a thread of its own
            self._carry_out(message.queue, [message.receipt], seconds)
        else:
            self._orders.put((message.queue, message.receipt, seconds))

    def close(self, seconds: float) -> None:
        """Does what is left to do, for so long at the most."""
        self._closed = True
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join(seconds)

    def _run(self) -> None:
        while (first := self._orders.get()) is not None:
            gathered: defaultdict[tuple[str, int | None], list[str]] = defaultdict(list)
            for name, receipt, seconds in self._with_more(first):
                gathered[name, seconds].append(receipt)
            for (name, seconds), receipts in gathered.items():
                self._carry_out(name, receipts, seconds)

    def _with_more(self, first: _Order) -> Iterator[_Order]:
        """The order, and those that wait behind it."""
        yield first
        for _ in range(_MOST - 1):
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            if order is None:
                self._orders.put(None)  # the end, for the round after this one
                return
            yield order

    def _carry_out(self, name: str, receipts: list[str], seconds: int | None) -> None:
        try:
            if seconds is None:
                failed = self._sqs.delete(name, receipts)
            else:
                failed = self._sqs.hide(name, receipts, seconds)
        except (QueueMissing, *SQS_ERRORS) as error:
            log.warning("sqs.receipts_failed", queue=name, messages=len(receipts), error=str(error))
            return
        if failed:
            log.info("sqs.receipts_stale", queue=name, messages=failed)
