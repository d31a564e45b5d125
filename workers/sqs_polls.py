"""Receiving from the three bands of a queue: the most urgent first, without asking all the time.

A band that has been found empty gets a long poll, which speaks up when something comes and costs
nothing until then; a band without one is asked, and answers at once. A long poll cannot be taken
back. What it brings when all slots are taken meanwhile is passed on, never kept.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from app.foundation.sqs import MOST_IN_BATCH, SQS_ERRORS, QueueMissing, Received, Sqs
from workers.task_broker import Slots

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 0.2
_PAUSE_MOST_SECONDS = 5.0


class BandPolls:
    """The polls of one queue.

    Args:
        names: The bands' queues, the most urgent first.
        hidden_seconds: For so long what is received is hidden from other workers.
        pass_on: What to do with messages for which there is no slot.
    """

    def __init__(
        self,
        sqs: Sqs,
        names: Sequence[str],
        slots: Slots,
        *,
        wait_seconds: int,
        hidden_seconds: int,
        pass_on: Callable[[Sequence[Received]], None],
    ) -> None:
        self._sqs = sqs
        self._slots = slots
        self._wait_seconds = wait_seconds
        self._hidden_seconds = hidden_seconds
        self._pass_on = pass_on
        self._arrived: deque[Received] = deque()
        self._changed = threading.Condition()
        self._woken = False
        self._stopped = threading.Event()
        self._bands = [_LongPoll(self, name) for name in names]

    def take(self, timeout: float) -> list[Received]:
        """Messages for as many slots, which are taken; none if none came in time.

        What the long polls have brought comes first. Then each band without one is asked.
        """
        with self._changed:
            self._woken = False
        found = self._take_arrived()
        for band in self._bands:
            if found or self._stopped.is_set() or not self._slots.free:
                break
            if band.idle:
                found = [] if band.ailing else self._ask_now(band)
                if not found:
                    band.start()
        if found:
            return found
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._arrived, timeout)
        return self._take_arrived()

    def _ask_now(self, band: "_LongPoll") -> list[Received]:
        try:
            return self._ask(band.name, 0)
        except (QueueMissing, *SQS_ERRORS):
            band.ailing = True
            return []

    def wake(self) -> None:
        """A slot is free again, or there is something else to look at."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self) -> list[Received]:
        """Starts no more polls; gives what was brought and not taken."""
        self._stopped.set()
        for band in self._bands:
            band.start()
        left = self._take_arrived()
        self._slots.give(len(left))
        return left

    def _take_arrived(self) -> list[Received]:
        with self._changed:
            found = list(self._arrived)
            self._arrived.clear()
            return found

    def _ask(self, name: str, wait_seconds: int) -> list[Received]:
        """Receives; keeps those that there is a slot for, and passes the others on."""
        try:
            messages = self._sqs.receive(
                name,
                most=min(MOST_IN_BATCH, max(1, self._slots.free)),
                wait_seconds=wait_seconds,
                hidden_seconds=self._hidden_seconds,
            )
        except (QueueMissing, *SQS_ERRORS) as error:
            log.warning("sqs.receive_failed", queue=name, error=str(error))
            raise
        room = self._slots.take(len(messages))
        if messages[room:]:
            self._pass_on(messages[room:])
        return messages[:room]

    def _bring(self, messages: Sequence[Received]) -> None:
        with self._changed:
            self._arrived.extend(messages)
            self._changed.notify_all()


class _LongPoll:
    """The long poll of one band: a thread that polls once each time it is started.

    It is abandoned when the process ends, and what SQS hands to it then comes back to others when
    its visibility timeout is over.
    """

    def __init__(self, polls: BandPolls, name: str) -> None:
        self.name = name
        self.idle = True
        self.ailing = False
        """The last poll failed: the next one comes after a pause, in the thread."""
        self._polls = polls
        self._go = threading.Event()
        threading.Thread(target=self._run, name=f"poll {name}", daemon=True).start()

    def start(self) -> None:
        self.idle = False
        self._go.set()

    def _run(self) -> None:
        pause = _PAUSE_SECONDS
        polls = self._polls
        while True:
            self._go.wait()
            self._go.clear()
            if polls._stopped.is_set():  # noqa: SLF001  # one concept in two classes
                return
            try:
                polls._bring(polls._ask(self.name, polls._wait_seconds))  # noqa: SLF001  # as above
            except (QueueMissing, *SQS_ERRORS):
                self.ailing = True
                if polls._stopped.wait(pause):  # noqa: SLF001  # as above
                    return
                pause = min(2 * pause, _PAUSE_MOST_SECONDS)
            else:
                self.ailing = False
                pause = _PAUSE_SECONDS
            self.idle = True
            polls.wake()
