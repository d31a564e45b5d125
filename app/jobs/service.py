"""Jobs as others see them: start them, add tasks, look at them.

`control` ends and retries them. What workers do with tasks lies in `claim` (leases) and `outcome`
(how an attempt ended).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.ids import new_id
from app.foundation.errors import NotFound
from app.foundation.telemetry.correlation import current_correlation_id, current_traceparent
from app.jobs.catalog import KINDS, PRIORITY_NORMAL
from app.jobs.models import Job, JobState, Task, TaskDependency, TaskState
from app.jobs.states import deadline
from app.jobs.wake import ring

# PostgreSQL takes 32767 parameters in a statement, and a task has some twenty.
_ROWS_PER_INSERT = 1000


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to submit.

    Args:
        kind: A name in the catalogue.
        name: What other tasks of the same call say in `after`; the kind where it is unique.
        after: Names of this call, or ids of tasks of the job, that must succeed first.
        delay: Not before so long from now; there is no upper limit.
    """

    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    after: Sequence[str] = ()
    delay: timedelta | None = None
    priority: int | None = None
    timeout_seconds: float | None = None
    max_attempts: int | None = None


async def create_job(
    tx: AsyncSession,
    *,
    project_id: str,
    kind: str,
    asset_id: str | None = None,
    priority: int = PRIORITY_NORMAL,
) -> Job:
    """A running job without tasks yet; the request's correlation id and trace go with it."""
    job = Job(
        id=new_id("job"),
        project_id=project_id,
        asset_id=asset_id,
        kind=kind,
        state=JobState.RUNNING,
        priority=priority,
        correlation_id=current_correlation_id(),
        traceparent=current_traceparent(),
    )
    tx.add(job)
    await tx.flush()
    return job


async def submit(
    tx: AsyncSession, job: Job, tasks: Sequence[NewTask], *, parent_id: str | None = None
) -> dict[str, str]:
    """Adds tasks to a job and rings for those that can run once this transaction has gone through.

    Returns:
        Task ids by name.
    """
    ids = {task.name or task.kind: new_id("tsk") for task in tasks}
    if len(ids) < len(tasks):
        raise ValueError("two tasks of one call have the same name")
    waits_for = {
        ids[task.name or task.kind]: [ids.get(name, name) for name in task.after] for task in tasks
    }
    blockers = await _unfinished(tx, {before for after in waits_for.values() for before in after})
    new = set(ids.values())
    rows, queues = [], set()
    for task in tasks:
        task_id, kind = ids[task.name or task.kind], KINDS[task.kind]
        blocked = sum(1 for before in waits_for[task_id] if before in new or before in blockers)
        ready = not blocked and not task.delay
        state = TaskState.READY if ready else TaskState.PENDING
        run_at = func.clock_timestamp() + (task.delay or timedelta(0))
        rows.append(
            {
                "id": task_id,
                "project_id": job.project_id,
                "job_id": job.id,
                "asset_id": job.asset_id,
                "parent_id": parent_id,
                "kind": kind.name,
                "queue": kind.queue,
                "state": state,
                "priority": _priority(task, job),
                "blockers": blocked,
                "max_attempts": task.max_attempts or kind.max_attempts,
                "timeout_seconds": task.timeout_seconds or kind.timeout_seconds,
                "run_at": run_at,
                "deadline_at": deadline(state, run_at=run_at),
                "args": dict(task.args),
                "correlation_id": job.correlation_id,
                "traceparent": current_traceparent() or job.traceparent,
            }
        )
        if ready:
            queues.add(kind.queue)
    for first in range(0, len(rows), _ROWS_PER_INSERT):
        await tx.execute(insert(Task).values(rows[first : first + _ROWS_PER_INSERT]))
    links = [
        {"project_id": job.project_id, "task_id": after, "depends_on_id": before}
        for after, befores in waits_for.items()
        for before in befores
    ]
    if links:
        await tx.execute(insert(TaskDependency), links)
    await ring(tx, queues)
    return ids


def _priority(task: NewTask, job: Job) -> int:
    own = KINDS[task.kind].priority if task.priority is None else task.priority
    return own + job.priority - PRIORITY_NORMAL


async def _unfinished(tx: AsyncSession, task_ids: set[str]) -> set[str]:
    """Those of the ids that exist and have not succeeded; locked until this transaction ends."""
    if not task_ids:
        return set()
    found = await tx.execute(
        select(Task.id)
        .where(Task.id.in_(task_ids), Task.state != TaskState.SUCCEEDED)
        .with_for_update()
    )
    return set(found.scalars())


async def get_job(tx: AsyncSession, job_id: str) -> Job:
    job = await tx.get(Job, job_id)
    if job is None:
        raise NotFound("job_not_found", f"There is no job {job_id} in this project.")
    return job


async def get_task(tx: AsyncSession, task_id: str) -> Task:
    task = await tx.get(Task, task_id)
    if task is None:
        raise NotFound("task_not_found", f"There is no task {task_id} in this project.")
    return task


async def tasks_of(tx: AsyncSession, job_id: str) -> Sequence[Task]:
    """The job's tasks, oldest first."""
    return (
        (await tx.execute(select(Task).where(Task.job_id == job_id).order_by(Task.id)))
        .scalars()
        .all()
    )


async def result_of(tx: AsyncSession, job_id: str, kind: str) -> dict[str, Any]:
    """What the job's succeeded task of a kind recorded.

    Raises:
        NotFound: the job has no such task.
    """
    result = await tx.scalar(
        select(Task.result).where(
            Task.job_id == job_id, Task.kind == kind, Task.state == TaskState.SUCCEEDED
        )
    )
    if result is None:
        raise NotFound("task_not_found", f"No {kind} task of job {job_id} has succeeded.")
    return result


async def attempts_in_use(tx: AsyncSession, asset_id: str, *, but: str) -> set[str]:
    """Names of attempts whose output a job of the asset may still read, that job `but` aside.

    A name is `<task id>.<fence>`. Jobs that succeeded read nothing any more; one that failed can
    be retried, and then goes on from what it had.
    """
    rows = await tx.execute(
        select(Task.id, Task.fence)
        .join(Job, Job.id == Task.job_id)
        .where(
            Task.asset_id == asset_id,
            Job.id != but,
            Job.state != JobState.SUCCEEDED,
            Task.state.in_((TaskState.SUCCEEDED, TaskState.LEASED)),
        )
    )
    return {f"{task_id}.{fence}" for task_id, fence in rows}


async def first_job_began(tx: AsyncSession, asset_id: str, kind: str) -> datetime | None:
    """When the asset's first job of a kind was submitted; None where there was none."""
    began: datetime | None = await tx.scalar(
        select(func.min(Job.created_at)).where(Job.asset_id == asset_id, Job.kind == kind)
    )
    return began


async def attempts_before(tx: AsyncSession, task_id: str) -> list[tuple[str, int]]:
    """The attempts by which those tasks succeeded that a task waited for: (task id, fence)."""
    rows = await tx.execute(
        select(Task.id, Task.fence)
        .join(TaskDependency, TaskDependency.depends_on_id == Task.id)
        .where(TaskDependency.task_id == task_id)
        .order_by(Task.id)
    )
    return [(found, fence) for found, fence in rows]


async def lock_job(tx: AsyncSession, job_id: str) -> Job:
    """The job's row, locked. Whoever changes tasks of a job locks it first, so nobody deadlocks."""
    job = await tx.scalar(
        select(Job)
        .where(Job.id == job_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise NotFound("job_not_found", f"There is no job {job_id} in this project.")
    return job
