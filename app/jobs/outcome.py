"""How an attempt at a task ended, written so that only the holder of the lease can write it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.states import fail_asset
from app.jobs.claim import Lease
from app.jobs.models import Job, JobState, Task, TaskDependency, TaskState
from app.jobs.retry import Again, Failure, plan_retry
from app.jobs.service import end_job, lock_job
from app.jobs.states import OPEN, move
from app.jobs.wake import ring

# Jobs whose failure is the asset's failure. One that deletes or sweeps leaves the asset as it is.
_JOBS_THAT_MAKE_AN_ASSET = frozenset({"ingest", "process"})


class LeaseLost(Exception):
    """Somebody else holds the task, or it was cancelled: what was made is not to be used."""


Effects = Callable[[AsyncSession], Awaitable[None]]


async def succeed(
    tx: AsyncSession, lease: Lease, result: Mapping[str, Any], effects: Effects | None = None
) -> None:
    """Records success and its effects, frees what waited, and ends the job if this was the last.

    The fence is checked and the row locked before the effects, so a stale attempt has none. If
    this very attempt was recorded before (the answer to that commit got lost), nothing is done.

    Raises:
        LeaseLost: the fence is not the newest, or the task is no longer leased.
    """
    job = await lock_job(tx, lease.job_id)
    moved = await move(
        tx,
        TaskState.SUCCEEDED,
        Task.id == lease.id,
        Task.fence == lease.fence,
        values={
            "result": dict(result),
            "progress": 1.0,
            "eta_seconds": None,
            "error_code": None,
            "error_message": None,
        },
    )
    if not moved:
        task = await tx.get(Task, lease.id, populate_existing=True)
        if task and task.state is TaskState.SUCCEEDED and task.fence == lease.fence:
            return
        raise LeaseLost(lease.id)
    if effects is not None:
        await effects(tx)
    await unblock_after(tx, lease.id)
    await settle_job(tx, job)


async def unblock_after(tx: AsyncSession, task_id: str) -> None:
    """Takes one blocker from every task that waited for this one; rings for those set free."""
    await tx.execute(
        update(Task)
        .where(
            Task.id == TaskDependency.task_id,
            TaskDependency.depends_on_id == task_id,
            Task.blockers > 0,
        )
        .values(blockers=Task.blockers - 1)
        .execution_options(synchronize_session=False)
    )
    waiting = select(TaskDependency.task_id).where(TaskDependency.depends_on_id == task_id)
    freed = await move(
        tx,
        TaskState.READY,
        Task.id.in_(waiting),
        Task.state == TaskState.PENDING,
        Task.blockers == 0,
        Task.run_at <= func.clock_timestamp(),
        returning=[Task.queue],
    )
    await ring(tx, (queue for _, queue in freed))


async def settle_job(tx: AsyncSession, job: Job) -> None:
    """Ends a running job that has no open task left. The job's row must be locked."""
    await tx.execute(
        update(Job)
        .where(
            Job.id == job.id,
            Job.state == JobState.RUNNING,
            ~exists().where(Task.job_id == job.id, Task.state.in_(OPEN)),
        )
        .values(state=JobState.SUCCEEDED, finished_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def fail(
    tx: AsyncSession, lease: Lease, failure: Failure, *, log_tail: str | None = None
) -> TaskState:
    """Records a failed attempt: it waits to run again, or is dead and takes its job with it.

    Returns:
        `retry_wait` or `dead`.

    Raises:
        LeaseLost: the fence is not the newest, or the task is no longer leased.
    """
    job = await lock_job(tx, lease.job_id)
    task = await tx.get(Task, lease.id, with_for_update=True, populate_existing=True)
    if task is None or task.state is not TaskState.LEASED or task.fence != lease.fence:
        raise LeaseLost(lease.id)
    plan = plan_retry(failure.fault, task.attempt, task.max_attempts)
    facts = {"error_code": failure.code, "error_message": failure.message}
    if log_tail is not None:
        facts["log_tail"] = log_tail
    if isinstance(plan, Again):
        run_at = func.clock_timestamp() + plan.delay
        await move(
            tx, TaskState.RETRY_WAIT, Task.id == lease.id, values={"run_at": run_at, **facts}
        )
        await ring(tx, [lease.queue])
        return TaskState.RETRY_WAIT
    await move(tx, TaskState.DEAD, Task.id == lease.id, values=facts)
    await end_job(tx, job, JobState.FAILED, failure.code, failure.message)
    if job.asset_id and job.kind in _JOBS_THAT_MAKE_AN_ASSET:
        await fail_asset(tx, job.asset_id, failure.code, failure.message)
    return TaskState.DEAD
