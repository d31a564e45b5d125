"""A proxy before SQS that kills its client when a batch has been sent and the client not told."""

import json
import os
import signal
import threading

from tests.servers.sqs_proxy import SqsProxy


class KillingProxy(SqsProxy):
    """Kills (SIGKILL) process `victim` at every `kill_each`-th batch, after the queue took it.

    Args:
        most_kills: After so many it only passes on. A sender that needs more batches to get
            anywhere than `kill_each` would never get there.
    """

    def __init__(self, upstream: str, *, kill_each: int, most_kills: int) -> None:
        super().__init__(upstream)
        self.kill_each = kill_each
        self.most_kills = most_kills
        self.victim: int | None = None
        self.killed_at: list[list[str]] = []
        """Of each kill the bodies of the messages that had just been taken."""
        self._batches = 0
        self._lock = threading.Lock()

    def cuts_after(self, batch: bytes) -> bool:
        """Counts a batch; whether its sender has just been killed."""
        with self._lock:
            self._batches += 1
            late = len(self.killed_at) >= self.most_kills
            if late or self._batches % self.kill_each or self.victim is None:
                return False
            victim, self.victim = self.victim, None
            os.kill(victim, signal.SIGKILL)
            entries = json.loads(batch)["Entries"]
            self.killed_at.append([entry["MessageBody"] for entry in entries])
            return True
