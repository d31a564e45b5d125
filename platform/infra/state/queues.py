"""The table of work queues that the app expects (docs/queues.md)."""

from collections.abc import Sequence
from typing import Literal

Kind = Literal["encode", "light"]
Band = Literal["high", "normal", "low"]
KINDS: Sequence[Kind] = ("encode", "light")
BANDS: Sequence[Band] = ("high", "normal", "low")

RETENTION_SECONDS = 14 * 24 * 3600
LONG_POLL_SECONDS = 20
MAX_RECEIVES = 3
# Workers hide a message for a lease at a time and say so with every receive; a queue whose own
# time differs would only mislead who looks at it.
LEASE_SECONDS = 30


def work_queues() -> list[tuple[Kind, Band]]:
    """Kind and band of every queue."""
    return [(kind, band) for kind in KINDS for band in BANDS]


def queue_name(prefix: str, kind: Kind, band: Band) -> str:
    """As the app builds it from `SPOOL_SQS_QUEUE_PREFIX`."""
    return f"{prefix}-{kind}-{band}"


def dead_letter_name(queue: str) -> str:
    """As the app builds it."""
    return f"{queue}-dlq"
