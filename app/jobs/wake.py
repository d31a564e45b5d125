"""The doorbell on PostgreSQL: a NOTIFY that leaves with the commit that made work ready."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL = "spool_tasks"
# In place of a queue's name: leases were taken away, so every worker looks at its own at once.
CANCELLED = "-cancelled"
_NOTIFY = text("SELECT pg_notify(:channel, :queue)")


async def ring(tx: AsyncSession, queues: Iterable[str]) -> None:
    """Wakes the workers of these queues once the transaction has gone through."""
    for queue in sorted(set(queues)):
        await tx.execute(_NOTIFY, {"channel": CHANNEL, "queue": queue})
