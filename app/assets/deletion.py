"""Deleting an asset: at once for who looks, by a task for the bytes; a tombstone stays."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.keys import derived_prefixes, metadata_key
from app.assets.models import Asset, AssetState
from app.assets.states import move_asset
from app.foundation.errors import NotFound
from app.foundation.storage.protocols import Store
from app.jobs import control
from app.jobs import service as jobs
from app.playback.models import PlaybackId
from app.renditions import service as renditions_service
from app.uploads.models import Upload, UploadState
from app.uploads.states import move_upload
from app.uploads.states import sources as upload_states_before
from app.uploads.tus_models import TusUpload

_GONE = (AssetState.DELETING, AssetState.DELETED)


@dataclass(frozen=True, slots=True)
class Remains:
    """The objects of an asset that is being deleted.

    Args:
        multipart: Key and id of an upload that may still hold parts.
    """

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    multipart: tuple[str, str] | None


async def delete_asset(tx: AsyncSession, asset_id: str) -> Asset:
    """Stops all work on an asset, hides it from players, and submits the removal of its bytes.

    Deleting again changes nothing.

    Raises:
        NotFound: asset_not_found.
    """
    asset = await _row(tx, asset_id)
    if asset.state in _GONE:
        return asset
    # The asset's row last, as everywhere: who locks in another order may wait for ever.
    await control.cancel_asset_work(tx, asset_id)
    await _cancel_upload(tx, asset_id)
    asset = await _row(tx, asset_id, lock=True)
    if asset.state in _GONE:
        return asset
    asset = await move_asset(tx, asset_id, AssetState.DELETING)
    await _revoke_playback(tx, asset_id)
    job = await jobs.create_job(
        tx, project_id=asset.project_id, kind="delete", asset_id=asset_id, priority=20
    )
    await jobs.submit(tx, job, [jobs.NewTask(kind="delete")])
    return asset


async def bury_asset(tx: AsyncSession, asset_id: str) -> None:
    """Leaves only the tombstone of an asset that never had a byte: its upload was called off."""
    await move_asset(tx, asset_id, AssetState.DELETING)
    await finish_deletion(tx, asset_id)


async def remains_of(tx: AsyncSession, asset_id: str) -> Remains:
    """What has to go before `finish_deletion`."""
    asset = await _row(tx, asset_id)
    upload = await tx.scalar(select(Upload).where(Upload.asset_id == asset_id))
    parts = (
        (upload.object_key, upload.store_upload_id) if upload and upload.store_upload_id else None
    )
    source = (asset.source_key,) if asset.source_key else ()
    prefixes = derived_prefixes(asset_id)
    if upload is not None and (tus := await tx.get(TusUpload, upload.id)) is not None:
        prefixes += tuple(f"tus/{each}/" for each in (upload.id, *tus.partial_ids))
    return Remains((*source, metadata_key(asset_id)), prefixes, parts)


async def erase(store: Store, remains: Remains) -> None:
    """Removes the objects; can be run again at any point. Holds no transaction.

    Raises:
        StoreUnavailable: the task tries again later.
    """
    if remains.multipart is not None:
        await store.abort_multipart(*remains.multipart)
    await store.delete(*remains.keys)
    for prefix in remains.prefixes:
        await store.delete_prefix(prefix)


async def finish_deletion(tx: AsyncSession, asset_id: str) -> None:
    """Removes the rows under the asset and makes a tombstone of it; again changes nothing."""
    if (await _row(tx, asset_id, lock=True)).state == AssetState.DELETED:
        return
    await renditions_service.remove(tx, asset_id)
    await _revoke_playback(tx, asset_id)
    await move_asset(
        tx,
        asset_id,
        AssetState.DELETED,
        changes={
            "deleted_at": func.clock_timestamp(),
            "source_key": None,
            "media_prefix": None,
            "verdict": None,
        },
    )


async def _cancel_upload(tx: AsyncSession, asset_id: str) -> None:
    upload = await tx.scalar(select(Upload).where(Upload.asset_id == asset_id).with_for_update())
    if upload is not None and upload.state in upload_states_before(UploadState.CANCELLED):
        await move_upload(tx, upload.id, UploadState.CANCELLED)


async def _revoke_playback(tx: AsyncSession, asset_id: str) -> None:
    await tx.execute(
        update(PlaybackId)
        .where(PlaybackId.asset_id == asset_id, PlaybackId.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def _row(tx: AsyncSession, asset_id: str, *, lock: bool = False) -> Asset:
    query = select(Asset).where(Asset.id == asset_id).execution_options(populate_existing=True)
    asset = await tx.scalar(query.with_for_update() if lock else query)
    if asset is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    return asset
