"""Ending jobs before their time, and running again what did not succeed."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.errors import Conflict
from app.jobs.models import Job, JobState, Task, TaskState
from app.jobs.service import get_task, lock_job
from app.jobs.states import OPEN, move
from app.jobs.wake import CANCELLED, ring


async def cancel_job(tx: AsyncSession, job_id: str) -> Job:
    """Ends a running job: what waits is cancelled, what runs is told to stop.

    Raises:
        NotFound: no such job.
    """
    job = await lock_job(tx, job_id)
    if job.state is JobState.RUNNING:
        await end_job(tx, job, JobState.CANCELLED, "cancelled", "Somebody cancelled the job.")
    return job


async def cancel_asset_work(tx: AsyncSession, asset_id: str) -> None:
    """Cancels every running job of an asset."""
    running = await tx.execute(
        select(Job.id).where(Job.asset_id == asset_id, Job.state == JobState.RUNNING)
    )
    for job_id in running.scalars().all():
        await cancel_job(tx, job_id)


async def end_job(
    tx: AsyncSession, job: Job, state: JobState, code: str | None, message: str | None
) -> None:
    """Gives a running job its final state; work that is left is cancelled."""
    await tx.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=state, error_code=code, error_message=message, finished_at=func.clock_timestamp()
        )
    )
    await tx.refresh(job)
    # A task that runs is cancelled now, so that its result is refused; its worker looks at its
    # leases when it hears the bell, and at the next heartbeat if it does not.
    await move(tx, TaskState.CANCELLED, Task.job_id == job.id, Task.state.in_(OPEN))
    await ring(tx, [CANCELLED])


async def retry_job(tx: AsyncSession, job_id: str) -> Job:
    """Runs again what did not succeed of a job that failed or was cancelled.

    Raises:
        NotFound: no such job.
        Conflict: the job is running or has succeeded.
    """
    job = await lock_job(tx, job_id)
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict("task_state", f"The job is {job.state}; only failed work can be retried.")
    await tx.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=JobState.RUNNING, error_code=None, error_message=None, finished_at=None)
    )
    await tx.refresh(job)
    fresh = {
        "attempt": 0,
        "outage_since": None,
        "progress": 0.0,
        "finished_at": None,
        "run_at": func.clock_timestamp(),
    }
    lost = Task.state.in_((TaskState.DEAD, TaskState.CANCELLED))
    await move(tx, TaskState.PENDING, Task.job_id == job_id, lost, Task.blockers > 0, values=fresh)
    woken = await move(
        tx,
        TaskState.READY,
        Task.job_id == job_id,
        lost,
        Task.blockers == 0,
        values=fresh,
        returning=[Task.queue],
    )
    await ring(tx, (queue for _, queue in woken))
    return job


async def retry_task(tx: AsyncSession, task_id: str) -> Task:
    """Retries the job of a dead or cancelled task.

    Raises:
        NotFound: no such task.
        Conflict: the task is neither dead nor cancelled.
    """
    task = await get_task(tx, task_id)
    if task.state not in {TaskState.DEAD, TaskState.CANCELLED}:
        raise Conflict(
            "task_state", f"The task is {task.state}; only dead or cancelled tasks can be retried."
        )
    await retry_job(tx, task.job_id)
    await tx.refresh(task)
    return task


async def cancel_task(tx: AsyncSession, task_id: str) -> Task:
    """Cancels the job of a task that is not final: its other tasks are of no use without it.

    Raises:
        NotFound: no such task.
        Conflict: the task is final.
    """
    task = await get_task(tx, task_id)
    if task.state not in OPEN:
        raise Conflict("task_state", f"The task is {task.state} already.")
    await cancel_job(tx, task.job_id)
    await tx.refresh(task)
    return task
