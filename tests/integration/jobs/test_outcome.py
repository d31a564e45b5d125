import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.errors import Conflict
from app.jobs import control, service
from app.jobs.claim import Lease, promote_due
from app.jobs.models import Job, JobState, Task, TaskState
from app.jobs.outcome import LeaseLost, fail, succeed
from app.jobs.retry import Failure, Fault
from app.jobs.service import NewTask
from app.uploads.completion import accept_source
from app.uploads.models import Upload, UploadState
from app.uploads.policy import UploadPolicy
from app.uploads.service import SIMPLE, Announced, insert_upload
from tests.integration.jobs.conftest import Claim, Load, Submit

HOST = Failure(Fault.HOST, "disk_full", "The disk is full.")
INPUT = Failure(Fault.INPUT, "truncated", "The file ends too early.")


async def end(database: Database, lease: Lease, **result: Any) -> None:
    async with database.project(lease.project_id) as tx:
        await succeed(tx, lease, result)


async def job_of(database: Database, lease: Lease) -> Job:
    async with database.project(lease.project_id) as tx:
        return (await tx.execute(select(Job).where(Job.id == lease.job_id))).scalar_one()


async def test_a_task_runs_when_all_before_it_have_succeeded(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    ids = await submit(
        project_id,
        NewTask("noop", name="a"),
        NewTask("noop", name="b"),
        NewTask("noop", name="last", after=["a", "b"]),
    )
    first, second = await take()
    await end(database, first)
    assert await take() == []
    assert (await job_of(database, first)).state is JobState.RUNNING
    await end(database, second)
    [last] = await take()
    assert last.id == ids["last"]
    await end(database, last)
    assert (await job_of(database, last)).state is JobState.SUCCEEDED


async def test_tasks_submitted_by_a_task_keep_the_job_running(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()

    async def more(tx: AsyncSession) -> None:
        job = await service.get_job(tx, lease.job_id)
        await service.submit(tx, job, [NewTask("noop", name="next", after=[lease.id])])

    async with database.project(project_id) as tx:
        await succeed(tx, lease, {}, more)

    [following] = await take()
    assert (await job_of(database, lease)).state is JobState.RUNNING
    await end(database, following)
    assert (await job_of(database, lease)).state is JobState.SUCCEEDED


async def test_a_stale_attempt_changes_nothing(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    await submit(project_id, NewTask("noop"))
    [stale] = await take()
    async with database.project(project_id) as tx:
        await fail(tx, stale, Failure(Fault.LEASE_LOST, "worker_lost", "gone"))
    async with database.dispatch() as tx:
        await promote_due(tx)
    [newer] = await take()
    ran: list[str] = []

    async def effect(_tx: AsyncSession) -> None:
        ran.append("effect")

    async with database.project(project_id) as tx:
        with pytest.raises(LeaseLost):
            await succeed(tx, stale, {"who": "stale"}, effect)
    async with database.project(project_id) as tx:
        with pytest.raises(LeaseLost):
            await fail(tx, stale, HOST)
    assert ran == []
    assert (await load(project_id, newer.id)).fence == newer.fence == 2
    await end(database, newer, who="newer")
    assert (await load(project_id, newer.id)).result == {"who": "newer"}


async def test_success_that_was_recorded_is_not_recorded_again(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()
    effects = 0

    async def effect(_tx: AsyncSession) -> None:
        nonlocal effects
        effects += 1

    for _ in range(2):
        async with database.project(project_id) as tx:
            await succeed(tx, lease, {}, effect)
    assert effects == 1


async def test_an_effect_that_fails_leaves_the_task_as_it_was(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()

    async def breaks(_tx: AsyncSession) -> None:
        raise OSError("the store is away")

    with pytest.raises(OSError, match="away"):
        async with database.project(project_id) as tx:
            await succeed(tx, lease, {}, breaks)
    assert (await load(project_id, lease.id)).state is TaskState.LEASED


async def test_the_hosts_fault_waits_and_runs_again(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()
    async with database.project(project_id) as tx:
        assert await fail(tx, lease, HOST, log_tail="no space left") is TaskState.RETRY_WAIT
    task = await load(project_id, lease.id)
    assert (task.state, task.error_code, task.log_tail) == (
        TaskState.RETRY_WAIT,
        "disk_full",
        "no space left",
    )
    assert task.deadline_at > task.run_at


async def test_the_inputs_fault_ends_the_job_and_cancels_the_rest(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    ids = await submit(
        project_id, NewTask("noop", name="a"), NewTask("noop", name="b", after=["a"])
    )
    [lease] = await take()
    async with database.project(project_id) as tx:
        assert await fail(tx, lease, INPUT) is TaskState.DEAD
    job = await job_of(database, lease)
    assert (job.state, job.error_code) == (JobState.FAILED, "truncated")
    assert (await load(project_id, ids["b"])).state is TaskState.CANCELLED


async def test_the_last_attempt_is_a_dead_letter_that_can_be_retried(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    ids = await submit(
        project_id,
        NewTask("noop", name="a", max_attempts=1),
        NewTask("noop", name="b", after=["a"]),
    )
    [lease] = await take()
    async with database.project(project_id) as tx:
        await fail(tx, lease, HOST)
    assert (await load(project_id, lease.id)).state is TaskState.DEAD

    async with database.project(project_id) as tx:
        task = await control.retry_task(tx, lease.id)
        assert task.state is TaskState.READY

    [again] = await take()
    assert (again.id, again.attempt, again.fence) == (ids["a"], 1, 2)
    await end(database, again)
    [last] = await take()
    await end(database, last)
    assert (await job_of(database, last)).state is JobState.SUCCEEDED


async def test_cancelling_stops_what_waits_and_refuses_what_runs(
    database: Database, project_id: str, submit: Submit, take: Claim, load: Load
) -> None:
    ids = await submit(
        project_id, NewTask("noop", name="a"), NewTask("noop", name="b", after=["a"])
    )
    [lease] = await take()
    async with database.project(project_id) as tx:
        await control.cancel_task(tx, lease.id)
    assert (await load(project_id, ids["b"])).state is TaskState.CANCELLED
    with pytest.raises(LeaseLost):
        await end(database, lease)
    with pytest.raises(Conflict):
        async with database.project(project_id) as tx:
            await control.cancel_task(tx, lease.id)


async def test_two_last_tasks_that_end_at_once_end_the_job(
    database: Database, project_id: str, submit: Submit, take: Claim
) -> None:
    for _ in range(5):
        await submit(project_id, NewTask("noop", name="a"), NewTask("noop", name="b"))
        leases = await take()
        await asyncio.gather(*(end(database, lease) for lease in leases))
        assert (await job_of(database, leases[0])).state is JobState.SUCCEEDED


async def test_everything_open_has_a_deadline(
    database: Database, project_id: str, submit: Submit
) -> None:
    await submit(project_id, NewTask("noop", name="a"), NewTask("noop", name="b", after=["a"]))
    async with database.project(project_id) as tx:
        tasks = (await tx.execute(select(Task))).scalars().all()
    assert all(task.deadline_at > task.created_at for task in tasks)


async def test_a_source_that_cannot_be_looked_at_ends_upload_and_asset(
    database: Database, project_id: str, take: Claim
) -> None:
    file = Announced(filename="a.mov", size_bytes=None, content_type="video/quicktime")
    policy = UploadPolicy(1, 1, 5 * 1024**2, timedelta(hours=1), timedelta(hours=1))
    async with database.project(project_id) as tx:
        upload = await insert_upload(tx, policy, project_id, file, method=SIMPLE)
        await accept_source(tx, upload, 1)
    [lease] = await take()
    gone = Failure(Fault.INPUT, "object_missing", "The file is gone.")
    async with database.project(project_id) as tx:
        assert await fail(tx, lease, gone) is TaskState.DEAD
    async with database.project(project_id) as tx:
        upload = await tx.get_one(Upload, upload.id)
        asset = await tx.get_one(Asset, upload.asset_id)
    assert (upload.state, upload.error_code) == (UploadState.FAILED, "object_missing")
    assert (asset.state, asset.error_code) == (AssetState.FAILED, "object_missing")
    assert [lease.kind for lease in await take()] == ["sweep"]
