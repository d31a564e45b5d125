"""Leases: how a worker takes tasks, keeps them, and gives them back.

These run under the dispatch role, over all projects, and touch no column with media data in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.jobs.models import Task, TaskState
from app.jobs.states import move

# More candidates than are wanted, so that those another worker holds locked can be passed over.
_SPARE = 32

# Fair between projects: the n-th best row of a project competes as the (running + n)-th, so that
# a project with ten thousand rows stands in line behind the first row of any other. Within a
# project the priority decides, then age. The recursion hops from project to project along the
# index, so a project costs one index probe however many rows it has.
_CANDIDATES = text("""
WITH RECURSIVE waiting AS (
    (SELECT project_id FROM tasks WHERE queue = :queue AND state = 'ready'
     ORDER BY project_id LIMIT 1)
    UNION ALL
    SELECT (SELECT project_id FROM tasks
            WHERE queue = :queue AND state = 'ready' AND project_id > waiting.project_id
            ORDER BY project_id LIMIT 1)
    FROM waiting WHERE waiting.project_id IS NOT NULL
),
running AS (
    SELECT project_id, count(*) AS n FROM tasks
    WHERE queue = :queue AND state = 'leased' GROUP BY project_id
)
SELECT best.id, row_number() OVER (
    ORDER BY coalesce(running.n, 0) + best.place, best.priority DESC, best.id
) AS turn
FROM waiting
CROSS JOIN LATERAL (
    SELECT id, priority, row_number() OVER (ORDER BY priority DESC, id) AS place
    FROM tasks
    WHERE queue = :queue AND state = 'ready' AND project_id = waiting.project_id
    ORDER BY priority DESC, id LIMIT :window
) AS best
LEFT JOIN running USING (project_id)
ORDER BY turn LIMIT :window
""").columns(id=Text, turn=BigInteger)


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed task: what its worker needs to know, and the fence that its writes must name."""

    id: str
    project_id: str
    job_id: str
    asset_id: str | None
    kind: str
    queue: str
    attempt: int
    fence: int
    timeout_seconds: float
    args: Mapping[str, Any]
    correlation_id: str
    traceparent: str | None


LEASE_COLUMNS: tuple[InstrumentedAttribute[Any], ...] = (
    Task.id,
    Task.project_id,
    Task.job_id,
    Task.asset_id,
    Task.kind,
    Task.queue,
    Task.attempt,
    Task.fence,
    Task.timeout_seconds,
    Task.args,
    Task.correlation_id,
    Task.traceparent,
)


async def claim(
    tx: AsyncSession, queue: str, *, limit: int, worker: str, lease: timedelta
) -> list[Lease]:
    """Takes up to `limit` ready tasks of a queue, the fairest and most urgent first."""
    candidates = _CANDIDATES.bindparams(queue=queue, window=limit + _SPARE).cte("candidates")
    picked = (
        select(Task.id)
        .join(candidates, candidates.c.id == Task.id)
        .where(Task.state == TaskState.READY)
        .order_by(candidates.c.turn)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Task)
        # A CTE that locks runs once; a subquery under IN may run again and lock too many.
        .cte("picked")
    )
    return await _lease(tx, Task.id.in_(select(picked.c.id)), worker, lease)


async def find_leases(tx: AsyncSession, *where: ColumnElement[bool], limit: int = 1) -> list[Lease]:
    """The leases on tasks that `where` names, the one that runs out first before the others."""
    rows = await tx.execute(
        select(*LEASE_COLUMNS)
        .where(Task.state == TaskState.LEASED, *where)
        .order_by(Task.lease_until)
        .limit(limit)
    )
    return [Lease(*tuple[Any, ...](row)) for row in rows]


async def claim_tasks(
    tx: AsyncSession, task_ids: Sequence[str], *, worker: str, lease: timedelta
) -> list[Lease]:
    """Takes those of the tasks that are ready, and whose rows nobody is busy with right now.

    For queues that ring with a task's id, such as SQS.
    """
    picked = (
        select(Task.id)
        .where(Task.id.in_(task_ids), Task.state == TaskState.READY)
        # Two workers with messages for the same tasks would wait for each other crosswise.
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return await _lease(tx, Task.id.in_(select(picked.c.id)), worker, lease)


async def still_ready(tx: AsyncSession, task_ids: Sequence[str]) -> set[str]:
    """Those of the tasks that are ready as far as is committed: somebody else had them locked."""
    rows = await tx.scalars(
        select(Task.id).where(Task.id.in_(task_ids), Task.state == TaskState.READY)
    )
    return set(rows)


async def _lease(
    tx: AsyncSession, where: ColumnElement[bool], worker: str, lease: timedelta
) -> list[Lease]:
    rows = await move(
        tx,
        TaskState.LEASED,
        where,
        values={
            # Counted before the work starts, so that work which kills its worker runs out too.
            "attempt": Task.attempt + 1,
            "fence": Task.fence + 1,
            "leased_by": worker,
            "lease_until": func.clock_timestamp() + lease,
            "started_at": func.clock_timestamp(),
        },
        returning=LEASE_COLUMNS[1:],
    )
    return [Lease(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a heartbeat found: the leases that still hold, and those that somebody cancelled."""

    held: frozenset[str]
    cancelled: frozenset[str]


async def extend(
    tx: AsyncSession, leases: Sequence[tuple[str, int]], *, lease: timedelta
) -> Heartbeat:
    """Extends leases, given as (task id, fence); a lease that is not `held` is lost."""
    rows = await tx.execute(
        update(Task)
        .where(Task.state == TaskState.LEASED, tuple_(Task.id, Task.fence).in_(leases))
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(Task.id, Task.cancel_requested_at)
        .execution_options(synchronize_session=False)
    )
    found = rows.all()
    return Heartbeat(
        held=frozenset(task_id for task_id, _ in found),
        cancelled=frozenset(task_id for task_id, at in found if at is not None),
    )


async def hand_back(tx: AsyncSession, leases: Sequence[tuple[str, int]]) -> list[str]:
    """Returns tasks unfinished, as if they had not been tried: their worker is going away.

    Returns:
        The queues that have work again.
    """
    if not leases:
        return []
    rows = await move(
        tx,
        TaskState.READY,
        tuple_(Task.id, Task.fence).in_(leases),
        Task.state == TaskState.LEASED,
        values={"attempt": Task.attempt - 1},
        returning=[Task.queue],
    )
    return [queue for _, queue in rows]


async def promote_due(tx: AsyncSession) -> list[str]:
    """Makes ready what waited for a moment that has come; returns the queues concerned."""
    rows = await move(
        tx,
        TaskState.READY,
        Task.state.in_((TaskState.PENDING, TaskState.RETRY_WAIT)),
        Task.blockers == 0,
        Task.run_at <= func.clock_timestamp(),
        returning=[Task.queue],
    )
    return [queue for _, queue in rows]


async def seconds_to_next_due(tx: AsyncSession) -> float | None:
    """Until the next delayed task is due, by the database's clock; None where none waits."""
    until = func.min(Task.run_at) - func.clock_timestamp()
    seconds = await tx.scalar(
        select(func.extract("epoch", until)).where(
            Task.state.in_((TaskState.PENDING, TaskState.RETRY_WAIT)), Task.blockers == 0
        )
    )
    return None if seconds is None else max(0.0, float(seconds))
