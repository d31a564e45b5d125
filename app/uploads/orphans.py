"""Parts that no row speaks of: the store began an upload, and its transaction came to nothing."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.keys import asset_of_source
from app.assets.models import Asset, AssetState
from app.foundation.clock import Clock, utc_now
from app.foundation.storage.protocols import MultipartStore, Store
from app.uploads.models import Upload, UploadState
from app.uploads.states import OPEN
from app.uploads.tus_models import TusUpload

# Far longer than a transaction takes to commit, so that an upload is never swept as it begins.
SETTLED_AFTER = timedelta(hours=1)
# Whoever writes to the store has given up long before.
ABANDONED_AFTER = timedelta(hours=6)
_SOURCES = "videos/"


async def sweep_orphans(
    dispatch: AsyncSession, store: MultipartStore, *, clock: Clock = utc_now
) -> int:
    """Aborts multipart uploads that nobody will complete; says how many.

    That of a source belongs to the row of an upload, or to nobody. Others are those by which a
    store sends large files: what is left of them was begun by a process that was killed.

    Args:
        dispatch: A transaction that sees the uploads of all projects.
        clock: That of the store, which says when an upload was begun.
    """
    now = clock()
    settled: dict[tuple[str, str], str] = {}
    orphans: list[tuple[str, str]] = []
    async for found in store.list_multiparts(""):
        place = (found.key, found.upload_id)
        if found.key.startswith(_SOURCES):
            if found.initiated < now - SETTLED_AFTER:
                settled[place] = asset_of_source(found.key)
        elif found.initiated < now - ABANDONED_AFTER:
            orphans.append(place)
    uploading = set(
        await dispatch.scalars(
            select(Upload.asset_id).where(
                Upload.asset_id.in_(set(settled.values())), Upload.state.in_(OPEN)
            )
        )
    )
    orphans += [place for place, asset_id in settled.items() if asset_id not in uploading]
    for key, upload_id in orphans:
        await store.abort_multipart(key, upload_id)
    return len(orphans)


async def sweep_tus(dispatch: AsyncSession, store: Store, *, clock: Clock = utc_now) -> int:
    """Removes tails and pieces of uploads that take no more bytes and are not to be joined.

    Args:
        dispatch: A transaction that sees the uploads of all projects.
        clock: That of the store.

    Returns:
        Objects deleted and multipart uploads aborted.
    """
    begun_before = clock() - SETTLED_AFTER
    objects = {
        found.key: _tus_upload_of(found.key)
        async for found in store.list("tus/")
        if found.last_modified < begun_before
    }
    multiparts = {
        (found.key, found.upload_id): _tus_upload_of(found.key)
        async for found in store.list_multiparts("tus/")
        if found.initiated < begun_before
    }
    wanted = await _wanted(dispatch, {*objects.values(), *multiparts.values()})
    leftovers = [key for key, upload_id in objects.items() if upload_id not in wanted]
    await store.delete(*leftovers)
    orphans = [place for place, upload_id in multiparts.items() if upload_id not in wanted]
    for key, multipart_id in orphans:
        await store.abort_multipart(key, multipart_id)
    return len(leftovers) + len(orphans)


async def _wanted(dispatch: AsyncSession, upload_ids: set[str]) -> set[str]:
    """Those of the uploads that take bytes, or are still to be joined into another one."""
    taking = select(Upload.id).where(Upload.id.in_(upload_ids), Upload.state.in_(OPEN))
    to_be_joined = (
        select(TusUpload.upload_id)
        .join(Upload, Upload.id == TusUpload.final_id)
        .join(Asset, Asset.id == Upload.asset_id)
        .where(
            TusUpload.upload_id.in_(upload_ids),
            # One that failed can be retried.
            Upload.state.in_((UploadState.VERIFYING, UploadState.FAILED)),
            Asset.state.not_in((AssetState.DELETING, AssetState.DELETED)),
        )
    )
    return {*await dispatch.scalars(taking), *await dispatch.scalars(to_be_joined)}


def _tus_upload_of(key: str) -> str:
    return key.split("/")[1]
