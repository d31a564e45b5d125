"""What the sweep leaves of what attempts have made."""

import pytest

from app.assets.keys import derived_prefixes
from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.db.ids import new_id
from app.jobs import service
from app.jobs.models import TaskState
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Await, StartWorker
from workers.actors.sweep import sweep


@pytest.mark.parametrize(
    ("state", "left"),
    [(AssetState.READY, {"renditions/{}/published/a.m4s"}), (AssetState.DELETED, set())],
)
async def test_it_keeps_what_is_published_and_nothing_of_a_deleted_asset(
    start_worker: StartWorker,
    database: Database,
    project_id: str,
    reaches: Await,
    state: AssetState,
    left: set[str],
) -> None:
    asset_id = new_id("ast")
    renditions, images = derived_prefixes(asset_id)
    published = f"{renditions}published/"
    async with database.project(project_id) as tx:
        tx.add(
            Asset(
                id=asset_id,
                project_id=project_id,
                title="Test",
                state=state,
                media_prefix=published if state is AssetState.READY else None,
            )
        )
    store = start_worker(sweep).services.store
    for key in (f"{published}a.m4s", f"{renditions}lost.1/a.m4s", f"{images}lost.2/1.jpg"):
        await store.put(key, b"x")

    async with database.project(project_id) as tx:
        job = await service.create_job(tx, project_id=project_id, kind="sweep", asset_id=asset_id)
        ids = await service.submit(tx, job, [NewTask("sweep")])
    await reaches(ids["sweep"], TaskState.SUCCEEDED)
    there = {found.key for prefix in (renditions, images) async for found in store.list(prefix)}
    assert there == {key.format(asset_id) for key in left}
