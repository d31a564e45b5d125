"""Parts that no row speaks of: the store began an upload, and its transaction came to nothing."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.keys import asset_of_source
from app.foundation.clock import Clock, utc_now
from app.foundation.storage.protocols import MultipartStore
from app.uploads.models import Upload
from app.uploads.states import OPEN

# Far longer than a transaction takes to commit, so that an upload is never swept as it begins.
SETTLED_AFTER = timedelta(hours=1)


async def sweep_orphans(
    dispatch: AsyncSession, store: MultipartStore, *, clock: Clock = utc_now
) -> int:
    """Aborts multipart uploads of sources that are not being uploaded; says how many.

    Args:
        dispatch: A transaction that sees the uploads of all projects.
        clock: That of the store, which says when an upload was begun.
    """
    begun_before = clock() - SETTLED_AFTER
    settled = {
        (found.key, found.upload_id): asset_of_source(found.key)
        async for found in store.list_multiparts("videos/")
        if found.initiated < begun_before
    }
    uploading = set(
        await dispatch.scalars(
            select(Upload.asset_id).where(
                Upload.asset_id.in_(set(settled.values())), Upload.state.in_(OPEN)
            )
        )
    )
    orphans = [place for place, asset_id in settled.items() if asset_id not in uploading]
    for key, upload_id in orphans:
        await store.abort_multipart(key, upload_id)
    return len(orphans)
