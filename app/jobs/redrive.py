"""Dead tasks brought back by a person, and the assets with them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.retry import halt_asset_of, reopen_asset_of
from app.foundation.errors import SpoolError
from app.jobs import control, service
from app.jobs.models import Job, Task, TaskState
from app.jobs.schemas import Redriven, Skipped

_AT_ONCE = 1000


async def retry_job(tx: AsyncSession, job_id: str) -> Job:
    """Runs again what did not succeed of a job, and takes its asset back into work.

    Raises:
        NotFound: job_not_found.
        Conflict: task_state or asset_state; there is nothing to retry.
        Gone: asset_deleted.
    """
    job = await control.retry_job(tx, job_id)
    await reopen_asset_of(tx, job)
    return job


async def cancel_job(tx: AsyncSession, job_id: str) -> Job:
    """Ends a running job, and says so of its asset.

    Raises:
        NotFound: job_not_found.
    """
    job = await control.cancel_job(tx, job_id)
    await halt_asset_of(tx, job)
    return job


async def retry_task(tx: AsyncSession, task_id: str) -> Task:
    """Retries the job of a dead or cancelled task. Raises as `retry_job`, and task_not_found."""
    task = await control.retry_task(tx, task_id)
    await reopen_asset_of(tx, await service.get_job(tx, task.job_id))
    return task


async def cancel_task(tx: AsyncSession, task_id: str) -> Task:
    """Cancels the job of a task that is not final.

    Raises:
        NotFound: task_not_found.
        Conflict: task_state; the task is final.
    """
    task = await control.cancel_task(tx, task_id)
    await halt_asset_of(tx, await service.get_job(tx, task.job_id))
    return task


async def redrive(tx: AsyncSession, task_ids: Sequence[str] | None) -> Redriven:
    """Retries the jobs of dead tasks; what cannot be retried is left alone, with the reason.

    Args:
        task_ids: None for all that are dead, oldest first, a thousand at most.
    """
    query = select(Task.id, Task.job_id).where(Task.state == TaskState.DEAD).order_by(Task.id)
    if task_ids is not None:
        query = query.where(Task.id.in_(task_ids))
    dead = {row.id: row.job_id for row in await tx.execute(query.limit(_AT_ONCE))}
    skipped = [Skipped(each, "It is not dead.") for each in task_ids or () if each not in dead]
    redriven: list[str] = []
    # In one order, so that two redrives at once do not lock each other out.
    for job_id in sorted(set(dead.values())):
        tasks = [task_id for task_id, its_job in dead.items() if its_job == job_id]
        try:
            async with tx.begin_nested():
                await retry_job(tx, job_id)
        except SpoolError as refusal:
            skipped += [Skipped(task_id, refusal.detail) for task_id in tasks]
        else:
            redriven += tasks
    return Redriven(redriven, skipped)
