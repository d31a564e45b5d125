from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text, update

from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.jobs import service
from app.jobs.models import Job, Task, TaskState
from app.jobs.reconciler import Reconciler
from app.jobs.service import NewTask
from tests.integration.jobs.conftest import Claim, Load, Submit

PAST = func.clock_timestamp() - timedelta(minutes=1)


@pytest.fixture
def expired() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def reconciler(database: Database, expired: list[tuple[str, str]]) -> Reconciler:
    async def expire(project_id: str, upload_id: str) -> None:
        expired.append((project_id, upload_id))

    return Reconciler(database, expire_upload=expire, interval=1, lease=timedelta(seconds=30))


async def age(database: Database, project_id: str, **columns: object) -> None:
    """Makes the project's tasks look as if time had passed."""
    async with database.project(project_id) as tx:
        await tx.execute(update(Task).values(**columns))


def stuck(table: str) -> float | None:
    return REGISTRY.get_sample_value("spool_stuck_rows", {"table": table})


async def test_a_lost_lease_goes_to_another_worker(
    database: Database,
    project_id: str,
    submit: Submit,
    take: Claim,
    load: Load,
    reconciler: Reconciler,
) -> None:
    await submit(project_id, NewTask("noop"))
    [lost] = await take()
    await age(database, project_id, lease_until=PAST)

    await reconciler.reconcile()

    task = await load(project_id, lost.id)
    assert (task.state, task.error_code) == (TaskState.READY, "worker_lost")
    [again] = await take()
    assert (again.attempt, again.fence) == (2, 2)


async def test_work_that_kills_its_workers_runs_out_of_attempts(
    database: Database,
    project_id: str,
    submit: Submit,
    take: Claim,
    load: Load,
    reconciler: Reconciler,
) -> None:
    ids = await submit(project_id, NewTask("noop", max_attempts=2))
    for _ in range(2):
        assert len(await take()) == 1
        await age(database, project_id, lease_until=PAST)
        await reconciler.reconcile()
    assert (await load(project_id, ids["noop"])).state is TaskState.DEAD


async def test_a_lease_that_holds_is_left_alone(
    project_id: str, submit: Submit, take: Claim, load: Load, reconciler: Reconciler
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()
    await reconciler.reconcile()
    assert (await load(project_id, lease.id)).state is TaskState.LEASED


async def test_a_task_that_waits_for_nothing_is_set_free(
    database: Database,
    project_id: str,
    submit: Submit,
    take: Claim,
    load: Load,
    reconciler: Reconciler,
) -> None:
    ids = await submit(
        project_id, NewTask("noop", name="a"), NewTask("noop", name="b", after=["a"])
    )
    async with database.project(project_id) as tx:
        await tx.execute(text("DELETE FROM task_dependencies"))
    await age(database, project_id, deadline_at=PAST)

    await reconciler.reconcile()

    assert (await load(project_id, ids["b"])).state is TaskState.READY


async def test_a_backlog_is_rung_again_and_is_not_stuck_for_ever(
    database: Database, project_id: str, submit: Submit, load: Load, reconciler: Reconciler
) -> None:
    ids = await submit(project_id, NewTask("noop"))
    await age(database, project_id, deadline_at=PAST)
    await reconciler.reconcile()
    task = await load(project_id, ids["noop"])
    assert task.state is TaskState.READY
    assert task.deadline_at > task.created_at
    assert stuck("tasks") == 0


async def test_a_lease_past_its_timeout_is_ended_although_its_worker_lives(
    database: Database,
    project_id: str,
    submit: Submit,
    take: Claim,
    load: Load,
    reconciler: Reconciler,
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take(seconds=3600)
    await age(database, project_id, deadline_at=PAST)
    await reconciler.reconcile()
    task = await load(project_id, lease.id)
    assert (task.state, task.error_code) == (TaskState.RETRY_WAIT, "timeout")


async def make_asset(database: Database, project_id: str, state: AssetState) -> str:
    asset_id = new_id("ast")
    async with database.project(project_id) as tx:
        tx.add(
            Asset(
                id=asset_id,
                project_id=project_id,
                title="Old",
                state=state,
                source_key=f"videos/{asset_id}.mp4",
                source_bytes=1,
            )
        )
        await tx.flush()
        await tx.execute(update(Asset).where(Asset.id == asset_id).values(deadline_at=PAST))
    return asset_id


async def test_an_asset_without_work_fails_with_a_reason(
    database: Database, project_id: str, reconciler: Reconciler
) -> None:
    asset_id = await make_asset(database, project_id, AssetState.PROCESSING)
    await reconciler.reconcile()
    async with database.project(project_id) as tx:
        asset = await tx.get_one(Asset, asset_id)
    assert (asset.state, asset.error_code) == (AssetState.FAILED, "work_lost")
    assert stuck("assets") == 0


async def test_an_asset_whose_job_runs_gets_more_time(
    database: Database, project_id: str, reconciler: Reconciler
) -> None:
    asset_id = await make_asset(database, project_id, AssetState.PROCESSING)
    async with database.project(project_id) as tx:
        job = await service.create_job(tx, project_id=project_id, kind="process", asset_id=asset_id)
        await service.submit(tx, job, [NewTask("noop")])
    await reconciler.reconcile()
    async with database.project(project_id) as tx:
        asset = await tx.get_one(Asset, asset_id)
    assert asset.state is AssetState.PROCESSING
    assert asset.deadline_at is not None
    assert asset.deadline_at > await database.now()


async def test_a_deletion_without_work_is_taken_up_again(
    database: Database, project_id: str, take: Claim, reconciler: Reconciler
) -> None:
    asset_id = await make_asset(database, project_id, AssetState.DELETING)
    await reconciler.reconcile()
    [lease] = await take()
    assert (lease.kind, lease.asset_id) == ("delete", asset_id)
    async with database.project(project_id) as tx:
        assert len((await tx.execute(select(Job.id))).all()) == 1


async def test_one_reconciler_at_a_time(
    database: Database,
    project_id: str,
    submit: Submit,
    take: Claim,
    load: Load,
    reconciler: Reconciler,
) -> None:
    await submit(project_id, NewTask("noop"))
    [lease] = await take()
    await age(database, project_id, lease_until=PAST)
    async with database.dispatch() as other:
        await other.execute(text("SELECT pg_advisory_xact_lock(7766502)"))
        await reconciler.reconcile()
        assert (await load(project_id, lease.id)).state is TaskState.LEASED
    await reconciler.reconcile()
    assert (await load(project_id, lease.id)).state is TaskState.READY
