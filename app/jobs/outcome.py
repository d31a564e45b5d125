"""How an attempt at a task ended, written so that only the holder of the lease can write it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    any_,
    bindparam,
    column,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.claim import Lease
from app.jobs.control import end_job
from app.jobs.models import Job, JobState, Task, TaskDependency, TaskState
from app.jobs.retry import Again, Failure, Fault, plan_retry
from app.jobs.service import NewTask, create_job, lock_job, submit
from app.jobs.states import OPEN, move
from app.jobs.wake import ring
from app.uploads.completion import fail_source

# Made once, since making them costs more than sending them; about tables, not classes, whose rows
# would be made objects of, and with ANY instead of IN, so that any number of ids is the same text.
_JOBS = Job.metadata.tables[Job.__tablename__]
_TASKS = Task.metadata.tables[Task.__tablename__]
_ANY_ID = any_(bindparam("ids", type_=ARRAY(Text)))
# In the order of ids, so that two workers never wait for each other.
_LOCK_JOBS = select(_JOBS.c.id).where(_JOBS.c.id == _ANY_ID).order_by(_JOBS.c.id).with_for_update()
_FREED_BY = (
    select(TaskDependency.task_id, func.count().label("blockers"))
    .where(TaskDependency.depends_on_id == _ANY_ID)
    .group_by(TaskDependency.task_id)
    .subquery()
)
_TAKE_BLOCKERS = (
    update(_TASKS)
    .where(_TASKS.c.id == _FREED_BY.c.task_id)
    .values(blockers=func.greatest(0, _TASKS.c.blockers - _FREED_BY.c.blockers))
    .returning(_TASKS.c.id)
)
_SETTLE_JOBS = (
    update(_JOBS)
    .where(
        _JOBS.c.id == _ANY_ID,
        _JOBS.c.state == JobState.RUNNING,
        ~exists().where(_TASKS.c.job_id == _JOBS.c.id, _TASKS.c.state.in_(OPEN)),
    )
    .values(state=JobState.SUCCEEDED, finished_at=func.clock_timestamp())
)

# Jobs whose failure is the asset's failure. One that deletes or sweeps leaves the asset as it is.
_JOBS_THAT_MAKE_AN_ASSET = frozenset({"ingest", "process"})


class LeaseLost(Exception):
    """Somebody else holds the task, or it was cancelled: what was made is not to be used."""


Effects = Callable[[AsyncSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Success:
    lease: Lease
    result: Mapping[str, Any]


async def succeed(
    tx: AsyncSession, lease: Lease, result: Mapping[str, Any], effects: Effects | None = None
) -> None:
    """Records success and its effects, frees what waited, and ends the job if this was the last.

    The fence is checked and the row locked before the effects, so a stale attempt has none. If
    this very attempt was recorded before (the answer to that commit got lost), nothing is done.

    Raises:
        LeaseLost: the fence is not the newest, or the task is no longer leased.
    """
    await _lock_jobs(tx, [lease.job_id])
    if not await _record(tx, [Success(lease, result)]):
        task = await tx.get(Task, lease.id, populate_existing=True)
        if task and task.state is TaskState.SUCCEEDED and task.fence == lease.fence:
            return
        raise LeaseLost(lease.id)
    if effects is not None:
        await effects(tx)
    await unblock_after(tx, [lease.id])
    await _settle_jobs(tx, [lease.job_id])


async def succeed_all(tx: AsyncSession, successes: Sequence[Success]) -> frozenset[str]:
    """`succeed` for many tasks of a project, without effects, in as many statements as for one.

    Returns:
        The ids of the tasks whose success stands; the other leases are lost.
    """
    jobs = sorted({success.lease.job_id for success in successes})
    await _lock_jobs(tx, jobs)
    recorded = await _record(tx, successes)
    await unblock_after(tx, recorded)
    await _settle_jobs(tx, jobs)
    missing = [each.lease for each in successes if each.lease.id not in recorded]
    if missing:
        recorded |= await _recorded_before(tx, missing)
    return frozenset(recorded)


async def _lock_jobs(tx: AsyncSession, job_ids: Sequence[str]) -> None:
    await tx.execute(_LOCK_JOBS, {"ids": list(job_ids)})


async def _record(tx: AsyncSession, successes: Sequence[Success]) -> set[str]:
    given = (
        func.unnest(
            literal([each.lease.id for each in successes], ARRAY(Text)),
            literal([each.lease.fence for each in successes], ARRAY(BigInteger)),
            literal([dict(each.result) for each in successes], ARRAY(JSONB)),
        )
        .table_valued(column("id", Text), column("fence", BigInteger), column("result", JSONB))
        .render_derived("given")
    )
    moved = await move(
        tx,
        TaskState.SUCCEEDED,
        Task.id == given.c.id,
        Task.fence == given.c.fence,
        values={
            "result": given.c.result,
            "progress": 1.0,
            "eta_seconds": None,
            "error_code": None,
            "error_message": None,
        },
    )
    return {row[0] for row in moved}


async def _recorded_before(tx: AsyncSession, leases: Sequence[Lease]) -> set[str]:
    found = await tx.scalars(
        select(Task.id).where(
            tuple_(Task.id, Task.fence).in_([(lease.id, lease.fence) for lease in leases]),
            Task.state == TaskState.SUCCEEDED,
        )
    )
    return set(found)


async def may_stand(tx: AsyncSession, lease: Lease) -> bool:
    """Whether what this attempt made is in use, or can still come to be."""
    task = await tx.get(Task, lease.id)
    return (
        task is not None
        and task.fence == lease.fence
        and task.state in {TaskState.LEASED, TaskState.SUCCEEDED}
    )


async def unblock_after(tx: AsyncSession, task_ids: Collection[str]) -> None:
    """Takes the blockers away that these tasks were, and rings for the tasks set free."""
    touched = await tx.execute(_TAKE_BLOCKERS, {"ids": list(task_ids)})
    waiting = touched.scalars().all()
    if not waiting:
        return
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


async def _settle_jobs(tx: AsyncSession, job_ids: Sequence[str]) -> None:
    """Ends those of the jobs that run and have no open task left; their rows are locked."""
    await tx.execute(_SETTLE_JOBS, {"ids": list(job_ids)})


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
    now: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    outage_since = (task.outage_since or now) if failure.fault is Fault.OUTAGE else None
    plan = plan_retry(
        failure.fault, task.attempt, task.max_attempts, outage=now - (outage_since or now)
    )
    facts: dict[str, Any] = {
        "error_code": failure.code,
        "error_message": failure.message,
        "outage_since": outage_since,
    }
    if log_tail is not None:
        facts["log_tail"] = log_tail
    if isinstance(plan, Again):
        if not plan.counts:
            facts["attempt"] = task.attempt - 1
        values = {"run_at": now + plan.delay, **facts}
        await move(tx, TaskState.RETRY_WAIT, Task.id == lease.id, values=values)
        await ring(tx, [lease.queue])
        return TaskState.RETRY_WAIT
    await move(tx, TaskState.DEAD, Task.id == lease.id, values=facts)
    await end_job(tx, job, JobState.FAILED, failure.code, failure.message)
    if job.asset_id and job.kind in _JOBS_THAT_MAKE_AN_ASSET:
        await fail_source(tx, job.asset_id, failure.code, failure.message)
        cleaning = await create_job(
            tx, project_id=job.project_id, kind="sweep", asset_id=job.asset_id
        )
        await submit(tx, cleaning, [NewTask("sweep")])
    return TaskState.DEAD
