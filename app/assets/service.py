"""Assets as others see them: create, get, edit, and what the work finds out about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.keys import source_key
from app.assets.metrics import TIME_TO_PLAYABLE
from app.assets.models import Asset, AssetState
from app.assets.states import move_asset
from app.foundation.db.after_commit import after_commit
from app.foundation.db.ids import new_id
from app.foundation.errors import Conflict, Gone, NotFound
from app.jobs import service as jobs
from app.notifications.service import publish
from app.playback.models import PlaybackPolicy
from app.playback.service import create_playback_id
from app.renditions import service as renditions_service
from app.renditions.service import NewImage, NewRendition


@dataclass(frozen=True, slots=True)
class Source:
    """The uploaded file of an asset: where it lies, and how it was called where it came from."""

    asset_id: str
    key: str
    size_bytes: int


async def create_asset(
    tx: AsyncSession,
    *,
    project_id: str,
    title: str,
    filename: str,
    expires: timedelta,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    policy: PlaybackPolicy = PlaybackPolicy.PUBLIC,
    created_by: str | None = None,
) -> Asset:
    """An asset that waits for its source, with one playback id.

    Args:
        created_by: The id of the person who uploads it, who is told how it ends.
        filename: Its ending becomes that of the source's key, where it is a known one.
        expires: How long its upload may take; the asset is overdue a little later.
    """
    asset_id = new_id("ast")
    asset: Asset | None = await tx.scalar(
        insert(Asset)
        .values(
            id=asset_id,
            project_id=project_id,
            title=title,
            description=description,
            tags=dict(tags or {}),
            created_by=created_by,
            state=AssetState.CREATED,
            source_key=source_key(asset_id, filename),
            # The upload's own expiry comes first and says more.
            deadline_at=func.clock_timestamp() + expires + timedelta(hours=1),
        )
        .returning(Asset)
    )
    if asset is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    await create_playback_id(tx, project_id=project_id, asset_id=asset_id, policy=policy)
    await publish(
        tx,
        project_id=project_id,
        asset_id=asset_id,
        type="asset.created",
        data={"state": AssetState.CREATED.value, "version": asset.version, "title": title},
    )
    return asset


async def get_asset(tx: AsyncSession, asset_id: str, *, lock: bool = False) -> Asset:
    """The asset, also while it is being deleted.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted; only its tombstone is left.
    """
    query = select(Asset).where(Asset.id == asset_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    asset = await tx.scalar(query)
    if asset is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    if asset.state == AssetState.DELETED:
        raise Gone("asset_deleted", f"The asset {asset_id} was deleted.")
    return asset


async def edit_asset(tx: AsyncSession, asset_id: str, changes: Mapping[str, Any]) -> Asset:
    """Changes title, description or tags.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
        Conflict: asset_state; it is being deleted.
    """
    asset = await get_asset(tx, asset_id, lock=True)
    if asset.state == AssetState.DELETING:
        raise Conflict("asset_state", "The asset is being deleted.")
    edited: Asset | None = await tx.scalar(
        update(Asset)
        .where(Asset.id == asset_id)
        .values(**changes, version=Asset.version + 1, updated_at=func.clock_timestamp())
        .returning(Asset),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if edited is None:
        raise RuntimeError("a locked row is gone")
    await publish(
        tx,
        project_id=edited.project_id,
        asset_id=asset_id,
        type="asset.updated",
        data={"version": edited.version, "changed": sorted(changes)},
    )
    await _submit_export(tx, edited)
    return edited


async def _submit_export(tx: AsyncSession, asset: Asset) -> None:
    """The copy of the row beside the media follows the row."""
    job = await jobs.create_job(
        tx, project_id=asset.project_id, kind="export", asset_id=asset.id, priority=20
    )
    await jobs.submit(tx, job, [jobs.NewTask("export")])


async def load_source(tx: AsyncSession, asset_id: str) -> Source:
    """Where the source of an asset lies, for the work on it.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
        Conflict: asset_state; it has no whole source yet, or not any more.
    """
    asset = await get_asset(tx, asset_id)
    if asset.source_key is None or asset.source_bytes is None:
        raise Conflict("asset_state", "The asset has no source yet.")
    if asset.state == AssetState.DELETING:
        raise Conflict("asset_state", "The asset is being deleted.")
    return Source(asset_id, asset.source_key, asset.source_bytes)


async def record_probe(
    tx: AsyncSession,
    asset_id: str,
    verdict: Mapping[str, Any],
    *,
    duration_ms: int | None,
    width: int | None,
    height: int | None,
) -> None:
    """Keeps what the probe found; `width` and `height` as shown, so after rotation."""
    await tx.execute(
        update(Asset)
        .where(Asset.id == asset_id)
        .values(
            verdict=dict(verdict),
            duration_ms=duration_ms,
            width=width,
            height=height,
            version=Asset.version + 1,
            updated_at=func.clock_timestamp(),
        )
        .execution_options(synchronize_session=False)
    )


async def publish_media(
    tx: AsyncSession,
    asset_id: str,
    *,
    media_prefix: str,
    duration_ms: int,
    renditions: Sequence[NewRendition],
    images: Sequence[NewImage],
) -> Asset:
    """Makes an attempt's output the asset's media: the transaction after which it is visible.

    Publishing the same prefix again changes nothing.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
        Conflict: asset_state; it is not being processed (any more).
    """
    asset = await get_asset(tx, asset_id, lock=True)
    if asset.state == AssetState.READY and asset.media_prefix == media_prefix:
        return asset
    await renditions_service.replace(
        tx,
        project_id=asset.project_id,
        asset_id=asset_id,
        renditions=renditions,
        images=images,
    )
    first = asset.playable_at is None
    ready = await move_asset(
        tx,
        asset_id,
        AssetState.READY,
        changes={
            "media_prefix": media_prefix,
            "duration_ms": duration_ms,
            "playable_at": func.coalesce(Asset.playable_at, func.clock_timestamp()),
            "ready_at": func.clock_timestamp(),
        },
        data={"duration_ms": duration_ms, "renditions": [r.name for r in renditions]},
    )
    if first and ready.playable_at is not None:
        await _measure_waiting(tx, ready, ready.playable_at)
    return ready


async def _measure_waiting(tx: AsyncSession, asset: Asset, playable_at: datetime) -> None:
    """How long somebody waited for this video, from when it began to come and when it had."""
    waited = {"created": playable_at - asset.created_at}
    if (arrived := await jobs.first_job_began(tx, asset.id, "ingest")) is not None:
        waited["uploaded"] = playable_at - arrived

    def observe() -> None:
        for since, time in waited.items():
            TIME_TO_PLAYABLE.labels(since).observe(time.total_seconds())

    after_commit(tx, observe)
