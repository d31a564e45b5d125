"""The SQS queues there are: one per queue of the catalogue and band of priority.

Each has a queue for its dead letters. docs/queues.md states the same for whoever makes them.
"""

from collections.abc import Iterator
from enum import StrEnum

from app.jobs.catalog import PRIORITY_HIGH, PRIORITY_LOW, QUEUES

DEAD_LETTER_SUFFIX = "-dlq"
# The longest SQS keeps anything: a dead letter outlives a long holiday.
RETENTION_SECONDS = 14 * 24 * 3600


class Band(StrEnum):
    """Which of a queue's three SQS queues a message goes to; in the order they are served."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def band_of(priority: int) -> Band:
    """The band of a task's priority, whatever its job added to it or took away."""
    if priority >= PRIORITY_HIGH:
        return Band.HIGH
    return Band.LOW if priority <= PRIORITY_LOW else Band.NORMAL


def queue_name(prefix: str, queue: str, band: Band) -> str:
    return f"{prefix}-{queue}-{band}"


def dead_letter_name(name: str) -> str:
    return f"{name}{DEAD_LETTER_SUFFIX}"


def bands_of(prefix: str, queue: str) -> list[str]:
    """The SQS queues of one queue of the catalogue, the most urgent first."""
    return [queue_name(prefix, queue, band) for band in Band]


def every_queue(prefix: str) -> Iterator[str]:
    """All queues but those of the dead letters."""
    for queue in QUEUES:
        yield from bands_of(prefix, queue)
