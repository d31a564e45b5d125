"""Attempts that come too late leave nothing behind; faults that last are failures."""

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.database import Database
from app.foundation.storage.errors import NotFound
from app.jobs import service
from app.jobs.claim import promote_due
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from app.jobs.wake import ring
from app.seams import make_folder_store
from app.settings import Settings
from tests.integration.storage.s3_stores import make_buckets
from tests.integration.workers.conftest import Await, StartWorker, Submit, Until
from tests.published_media import add_asset
from tests.servers.fault_proxy import FaultProxy
from tests.servers.versitygw import ObjectServer
from workers.work import Work


async def test_a_statement_that_can_never_succeed_fails_the_attempt(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    async def noop(work: Work) -> None:
        async def wrong(tx: AsyncSession) -> None:
            await tx.execute(text("SELECT no_such_column FROM tasks"))

        await work.finish(wrong)

    start_worker(noop)
    ids = await submit(NewTask("noop"))
    task = await reaches(ids["noop"], TaskState.RETRY_WAIT)
    assert task.error_code == "unexpected_error"
    assert "no_such_column" in (task.log_tail or "")


async def test_what_a_stale_attempt_stored_is_removed(
    start_worker: StartWorker, database: Database, project_id: str, until: Until
) -> None:
    asset_id = await add_asset(database, project_id)
    stored: list[str] = []

    async def noop(work: Work) -> None:
        for root in ("renditions", "images"):
            key = work.output_prefix(root) + "file"
            await work.services.store.put(key, b"late")
            stored.append(key)
        # As the reconciler does when a lease runs out, and another worker after it.
        async with work.transaction() as tx:
            await tx.execute(update(Task).values(fence=Task.fence + 1))
        await work.finish()

    worker = start_worker(noop)
    store = make_folder_store(worker.services.settings)
    await store.put(f"renditions/{asset_id}/another.1/file", b"in use")
    async with database.project(project_id) as tx:
        job = await service.create_job(tx, project_id=project_id, kind="test", asset_id=asset_id)
        await service.submit(tx, job, [NewTask("noop")])
    await until(lambda: len(stored) == 2)

    def gone(key: str) -> bool:
        try:
            store.local_path(key)
        except NotFound:
            return True
        return False

    await until(lambda: all(map(gone, stored)))
    keys = [found.key async for found in store.list("")]
    assert keys == [f"renditions/{asset_id}/another.1/file"]


async def test_a_store_that_is_away_for_long_costs_no_attempt(
    start_worker: StartWorker,
    submit: Submit,
    reaches: Await,
    settings: Settings,
    database: Database,
    project_id: str,
    object_server: ObjectServer,
    aws_credentials: None,
) -> None:
    async def noop(work: Work) -> None:
        if work.lease.fence == 1:
            raise MemoryError  # counts
        await work.services.store.put("metadata/note", b"done")
        await work.finish()

    async def failed(task_id: str, fence: int) -> Task:
        return await reaches(task_id, TaskState.RETRY_WAIT, when=lambda at: at.fence == fence)

    async def again(task_id: str) -> None:
        async with database.project(project_id) as tx:
            await tx.execute(update(Task).where(Task.id == task_id).values(run_at=Task.created_at))
        async with database.dispatch() as tx:
            await ring(tx, await promote_due(tx))

    with FaultProxy(object_server.host, object_server.port) as proxy:
        on_s3 = {
            "store": "s3",
            "s3_endpoint_url": proxy.url,
            "s3_path_style": True,
            "s3_source_bucket": make_buckets(object_server.url, 1)[0],
            "s3_attempts": 1,
        }
        start_worker(noop, base=settings.model_copy(update=on_s3))
        proxy.down = True
        [task_id] = (await submit(NewTask("noop", max_attempts=2))).values()
        await failed(task_id, 1)
        await again(task_id)
        for fence in range(2, 8):
            waits = await failed(task_id, fence)
            assert (waits.error_code, waits.attempt) == ("store_unavailable", 1)
            assert waits.outage_since is not None
            if fence == 7:
                proxy.heal()
            await again(task_id)
        task = await reaches(task_id, TaskState.SUCCEEDED)
        assert (task.fence, task.attempt) == (8, 2)
