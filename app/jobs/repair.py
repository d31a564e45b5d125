"""What to do with one row that is past the deadline of its state."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.foundation.telemetry.correlation import acting_for
from app.jobs.claim import find_leases
from app.jobs.models import Job, JobState, Task, TaskDependency, TaskState
from app.jobs.outcome import fail
from app.jobs.retry import Failure, Fault
from app.jobs.service import NewTask, create_job, lock_job, submit
from app.jobs.states import OPEN, PATIENCE, move
from app.jobs.wake import ring
from app.uploads.completion import fail_source

_OVERTIME = Failure(Fault.TIMEOUT, "timeout", "The work took longer than its limit.")


async def resettle_task(tx: AsyncSession, task_id: str) -> str:
    """Mends an overdue task; says in a word what was done."""
    found = await tx.get(Task, task_id)
    if found is None:
        return "gone"
    await lock_job(tx, found.job_id)
    task = await tx.get(Task, task_id, with_for_update=True, populate_existing=True)
    if task is None or task.state not in OPEN:
        return "gone"
    if task.state is TaskState.LEASED:
        # Its worker should have stopped it; the fence shuts out what it may still write.
        [lease] = await find_leases(tx, Task.id == task_id)
        with acting_for(lease.correlation_id, lease.traceparent):
            return (await fail(tx, lease, _OVERTIME)).value
    if task.state is TaskState.PENDING and await _recount_blockers(tx, task):
        return "recounted"
    await _extend_deadline(tx, task)
    await ring(tx, [task.queue])
    return "rung"


async def _recount_blockers(tx: AsyncSession, task: Task) -> bool:
    """Counts again what the task waits for; frees it if that is nothing."""
    waits_for = select(TaskDependency.depends_on_id).where(TaskDependency.task_id == task.id)
    blockers = await tx.scalar(
        select(func.count()).where(Task.id.in_(waits_for), Task.state != TaskState.SUCCEEDED)
    )
    if blockers == task.blockers:
        return False
    await tx.execute(update(Task).where(Task.id == task.id).values(blockers=blockers))
    if not blockers:
        await move(tx, TaskState.READY, Task.id == task.id, Task.run_at <= func.clock_timestamp())
        await ring(tx, [task.queue])
    return True


async def _extend_deadline(tx: AsyncSession, task: Task) -> None:
    since = func.greatest(func.clock_timestamp(), Task.run_at)
    await tx.execute(
        update(Task)
        .where(Task.id == task.id)
        .values(deadline_at=since + PATIENCE[task.state], rung_at=None)
    )


async def resettle_asset(tx: AsyncSession, asset_id: str) -> str:
    """Mends an overdue asset; says in a word what was done."""
    # Not locked: whoever changes an asset's state does it from the state it was in.
    asset = await tx.get(Asset, asset_id)
    if asset is None:
        return "gone"
    working = await tx.scalar(
        select(Job.id).where(Job.asset_id == asset_id, Job.state == JobState.RUNNING).limit(1)
    )
    if working is not None:
        # Its tasks have deadlines of their own.
        later = func.clock_timestamp() + PATIENCE[TaskState.READY]
        await tx.execute(update(Asset).where(Asset.id == asset_id).values(deadline_at=later))
        return "waits_for_its_job"
    if asset.state is AssetState.DELETING:
        job = await create_job(tx, project_id=asset.project_id, kind="delete", asset_id=asset_id)
        await submit(tx, job, [NewTask("delete")])
        later = func.clock_timestamp() + PATIENCE[TaskState.READY]
        await tx.execute(update(Asset).where(Asset.id == asset_id).values(deadline_at=later))
        return "deletes_again"
    await fail_source(
        tx,
        asset_id,
        "work_lost",
        "The work on this video ended without a result. Retry it; the source is kept.",
    )
    return "failed"
