"""Playback ids: names under which an asset is shown; making and revoking them touches no media."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.foundation.db.ids import random_id
from app.foundation.errors import Conflict, NotFound
from app.playback.models import PlaybackId, PlaybackPolicy

_GOING = frozenset({AssetState.DELETING, AssetState.DELETED})


async def create_playback_id(
    tx: AsyncSession,
    *,
    project_id: str,
    asset_id: str,
    policy: PlaybackPolicy = PlaybackPolicy.PUBLIC,
) -> PlaybackId:
    """Gives an asset one more playback id; it may have any number, of either policy.

    Raises:
        NotFound: asset_not_found.
        Conflict: asset_state; the asset is being deleted.
    """
    await _require_asset(tx, asset_id)
    row = PlaybackId(id=random_id(), project_id=project_id, asset_id=asset_id, policy=policy)
    tx.add(row)
    await tx.flush()
    return row


async def playback_ids_of(tx: AsyncSession, asset_id: str) -> Sequence[PlaybackId]:
    """The asset's playback ids that are not revoked, oldest first."""
    query = (
        select(PlaybackId)
        .where(PlaybackId.asset_id == asset_id, PlaybackId.revoked_at.is_(None))
        .order_by(PlaybackId.created_at, PlaybackId.id)
    )
    return (await tx.scalars(query)).all()


async def list_playback_ids(tx: AsyncSession, asset_id: str) -> Sequence[PlaybackId]:
    """As `playback_ids_of`, for who does not know whether there is such an asset.

    Raises:
        NotFound: asset_not_found.
        Conflict: asset_state; the asset is being deleted.
    """
    await _require_asset(tx, asset_id)
    return await playback_ids_of(tx, asset_id)


async def get_playback_id(tx: AsyncSession, playback_id: str) -> PlaybackId:
    """One playback id of the project.

    Raises:
        NotFound: playback_id_not_found, also when it is revoked.
    """
    row = await tx.get(PlaybackId, playback_id)
    if row is None or row.revoked_at is not None:
        raise NotFound("playback_id_not_found", f"There is no playback id {playback_id}.")
    return row


async def revoke_playback_id(tx: AsyncSession, playback_id: str) -> None:
    """Ends a playback id for good; doing it again changes nothing.

    Raises:
        NotFound: playback_id_not_found.
    """
    revoked = await tx.scalar(
        update(PlaybackId)
        .where(PlaybackId.id == playback_id)
        .values(revoked_at=func.coalesce(PlaybackId.revoked_at, func.clock_timestamp()))
        .returning(PlaybackId.id),
        execution_options={"synchronize_session": False},
    )
    if revoked is None:
        raise NotFound("playback_id_not_found", f"There is no playback id {playback_id}.")


async def _require_asset(tx: AsyncSession, asset_id: str) -> None:
    state = await tx.scalar(select(Asset.state).where(Asset.id == asset_id))
    if state is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    if state in _GOING:
        raise Conflict("asset_state", "The asset is being deleted or is gone.")
