"""SQS for tests of workers: queues of the test's own, and a look at what is in them."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from app.foundation.sqs import MOST_IN_BATCH, Received, Sqs
from app.jobs.queue_names import Band, dead_letter_name, queue_name
from app.settings import Settings


class SqsSide:
    """The queues of one test.

    Args:
        settings: What a worker is started with, to use them.
    """

    def __init__(self, sqs: Sqs, settings: Settings) -> None:
        self.sqs = sqs
        self.settings = settings

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server, for who puts something before it."""
        url = urlsplit(self.settings.sqs_endpoint_url or "")
        assert url.hostname
        assert url.port
        return url.hostname, url.port

    def name(self, queue: str = "light", band: Band = Band.NORMAL, *, dead: bool = False) -> str:
        name = queue_name(self.settings.sqs_queue_prefix, queue, band)
        return dead_letter_name(name) if dead else name

    def send(self, *bodies: str, queue: str = "light", band: Band = Band.NORMAL) -> None:
        entries: Sequence[Mapping[str, Any]] = [{"MessageBody": body} for body in bodies]
        assert len(self.sqs.send(self.name(queue, band), entries)) == len(bodies)

    def wake_up(self, *task_ids: str, kind: str = "noop") -> None:
        self.send(*(json.dumps({"task_id": task_id, "kind": kind}) for task_id in task_ids))

    def bury(self, *bodies: str) -> None:
        """Sends messages, and receives them until they are dead letters."""
        for first in range(0, len(bodies), MOST_IN_BATCH):
            self.send(*bodies[first : first + MOST_IN_BATCH])
        deadline = time.monotonic() + 30
        while self.total(dead=True) < len(bodies):
            assert time.monotonic() < deadline
            self.sqs.receive(self.name(), most=10, wait_seconds=0, hidden_seconds=0)

    def take(self, name: str) -> list[Received]:
        return self.sqs.receive(name, most=10, wait_seconds=0, hidden_seconds=30)

    def total(self, *, dead: bool = False) -> int:
        """Messages in all queues, hidden ones included."""
        return sum(
            self.sqs.depth(self.name(queue, band, dead=dead)).total
            for queue in ("encode", "light")
            for band in Band
        )
