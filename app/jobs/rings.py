"""Which ready tasks a message has been sent for: what the wake relay reads and writes.

`rung_at` is empty from the moment a task becomes ready until a queue has taken its message, so a
row is its own outbox. These run under the dispatch role, over all projects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.catalog import PRIORITY_HIGH, PRIORITY_LOW
from app.jobs.models import Task, TaskState
from app.jobs.queue_names import Band

_LOCK = 7_766_503
# The commit does not wait for the disk: workers that were just woken want the rows that it has
# locked. What a server that crashes forgets is that messages have left, and they leave again.
_BEGIN = text("""
    SELECT pg_try_advisory_xact_lock(:key)
    FROM set_config('synchronous_commit', 'off', true)
""")
_TASKS = Task.metadata.tables[Task.__tablename__]


@dataclass(frozen=True, slots=True)
class Unrung:
    """A ready task for which no message is known to have left."""

    id: str
    fence: int
    kind: str
    queue: str
    priority: int
    correlation_id: str
    traceparent: str | None


async def find_unrung(tx: AsyncSession, *, limit: int) -> list[Unrung]:
    """The most urgent first, then the oldest; none while another relay is at it.

    The rows are not locked: sending takes as long as the network does, and a row that is locked
    can neither be claimed nor cancelled.
    """
    if not await tx.scalar(_BEGIN, {"key": _LOCK}):
        return []
    rows = await tx.execute(
        select(
            Task.id,
            Task.fence,
            Task.kind,
            Task.queue,
            Task.priority,
            Task.correlation_id,
            Task.traceparent,
        )
        .where(Task.state == TaskState.READY, Task.rung_at.is_(None))
        .order_by(Task.priority.desc(), Task.id)
        .limit(limit)
    )
    return [Unrung(*row) for row in rows]


async def mark_rung(tx: AsyncSession, tasks: Sequence[Unrung]) -> None:
    """Says that messages for these have left.

    One that was claimed and is ready again since it was read has a newer fence: the message that
    left may have been used up by that claim, so it stays to be rung. One that is locked is being
    claimed or ended right now; waiting for it could be waiting crosswise.
    """
    fences = [(task.id, task.fence) for task in tasks]
    same = (
        select(Task.id)
        .where(tuple_(Task.id, Task.fence).in_(fences), Task.state == TaskState.READY)
        .with_for_update(skip_locked=True)
        .cte("same")
    )
    await tx.execute(
        update(_TASKS).where(Task.id.in_(select(same.c.id))).values(rung_at=func.clock_timestamp())
    )


async def ring_again(tx: AsyncSession, *where: ColumnElement[bool]) -> int:
    """Has the relay ring once more for the ready tasks that `where` names; how many there are.

    The newer fence tells a relay that has just sent and not yet marked that its message is gone.
    """
    rows = await tx.execute(
        update(_TASKS)
        .where(Task.state == TaskState.READY, *where)
        .values(rung_at=None, fence=Task.fence + 1)
        .returning(Task.id)
    )
    return len(rows.all())


def rung_before(age: timedelta) -> ColumnElement[bool]:
    return Task.rung_at < func.clock_timestamp() - age


def in_band(queue: str, band: Band) -> ColumnElement[bool]:
    """The tasks whose messages go to this band's queue; `band_of` in SQL."""
    by_priority = {
        Band.HIGH: Task.priority >= PRIORITY_HIGH,
        Band.NORMAL: and_(Task.priority > PRIORITY_LOW, Task.priority < PRIORITY_HIGH),
        Band.LOW: Task.priority <= PRIORITY_LOW,
    }
    return and_(Task.queue == queue, by_priority[band])


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many tasks wait in the table for one band, and how many of them are not rung for."""

    ready: int
    unrung: int


async def measure_backlog(tx: AsyncSession, queue: str, band: Band) -> Backlog:
    row = (
        await tx.execute(
            select(func.count(), func.count().filter(Task.rung_at.is_(None))).where(
                Task.state == TaskState.READY, in_band(queue, band)
            )
        )
    ).one()
    return Backlog(*row)
