"""A row that cannot be mended now holds up no other."""

from datetime import timedelta

from sqlalchemy import func, select, update

from app.foundation.db.database import Database
from app.foundation.storage.errors import StoreUnavailable
from app.jobs.reconciler import Reconciler
from app.seams import make_store
from app.settings import Settings
from app.uploads import service as uploads
from app.uploads.models import Upload, UploadState
from app.uploads.policy import UploadPolicy


async def test_an_upload_that_the_store_does_not_let_go(
    database: Database, settings: Settings, project_id: str
) -> None:
    store = make_store(settings)
    file = uploads.Announced("film.mp4", 1000, "video/mp4")
    async with database.project(project_id) as tx:
        for _ in range(3):
            await uploads.create_upload(tx, store, UploadPolicy.of(settings), project_id, file)
    past = func.clock_timestamp() - timedelta(minutes=1)
    async with database.project(project_id) as tx:
        await tx.execute(update(Upload).values(deadline_at=past))
    tried: list[str] = []

    async def expire(project: str, upload_id: str) -> None:
        tried.append(upload_id)
        if len(tried) == 1:
            raise StoreUnavailable("the disk is away")
        async with database.project(project) as tx:
            await uploads.expire(tx, upload_id, store)

    reconciler = Reconciler(database, expire_upload=expire, interval=1, lease=timedelta(seconds=30))
    await reconciler.reconcile()
    assert len(tried) == 3
    async with database.project(project_id) as tx:
        states = (await tx.scalars(select(Upload.state))).all()
    assert sorted(states) == [UploadState.EXPIRED, UploadState.EXPIRED, UploadState.WAITING]

    await reconciler.reconcile()
    assert tried[3:] == tried[:1]
