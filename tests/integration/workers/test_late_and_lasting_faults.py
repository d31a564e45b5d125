"""Attempts that come too late leave nothing behind; faults that last are failures."""

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.database import Database
from app.foundation.storage.errors import NotFound
from app.jobs import service
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from app.seams import make_folder_store
from tests.integration.workers.conftest import Await, StartWorker, Submit, Until
from tests.published_media import add_asset
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
