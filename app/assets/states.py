"""The asset's state machine: the only code that writes `assets.state`.

created -> ingesting -> processing -> ready
created, ingesting, processing -> failed -> ingesting or processing (retry)
all of these -> deleting -> deleted
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.models import Asset, AssetState
from app.foundation.errors import Conflict, NotFound
from app.notifications.service import publish

_ALLOWED: Mapping[AssetState, frozenset[AssetState]] = {
    AssetState.CREATED: frozenset({AssetState.INGESTING, AssetState.FAILED, AssetState.DELETING}),
    AssetState.INGESTING: frozenset(
        {AssetState.PROCESSING, AssetState.FAILED, AssetState.DELETING}
    ),
    AssetState.PROCESSING: frozenset({AssetState.READY, AssetState.FAILED, AssetState.DELETING}),
    AssetState.READY: frozenset({AssetState.DELETING}),
    AssetState.FAILED: frozenset(
        {AssetState.INGESTING, AssetState.PROCESSING, AssetState.DELETING}
    ),
    AssetState.DELETING: frozenset({AssetState.DELETED}),
    AssetState.DELETED: frozenset(),
}
# How long a state may last before the reconciler looks at it; none in states that may last for
# ever. An asset waits for its upload as long as that may take, which the upload says.
_OVERDUE_AFTER: Mapping[AssetState, timedelta | None] = {
    AssetState.CREATED: timedelta(hours=25),
    AssetState.INGESTING: timedelta(hours=3),
    AssetState.PROCESSING: timedelta(hours=30),
    AssetState.READY: None,
    AssetState.FAILED: None,
    AssetState.DELETING: timedelta(hours=12),
    AssetState.DELETED: None,
}


def sources(to: AssetState) -> list[AssetState]:
    """The states that lead to `to`."""
    return [state for state in AssetState if to in _ALLOWED[state]]


async def move_asset(
    tx: AsyncSession,
    asset_id: str,
    to: AssetState,
    *,
    changes: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Asset:
    """Moves an asset to another state and publishes `asset.<state>`.

    Args:
        changes: Further columns to set with the state.
        data: Further members of the event's data.

    Raises:
        NotFound: asset_not_found.
        Conflict: asset_state; its state does not lead there.
    """
    moved = await _move(tx, asset_id, to, changes or {}, data or {})
    if moved is not None:
        return moved
    state = await tx.scalar(select(Asset.state).where(Asset.id == asset_id))
    if state is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    raise Conflict("asset_state", f"The asset is {state}, so it cannot become {to.value} now.")


async def fail_asset(tx: AsyncSession, asset_id: str, code: str, message: str) -> bool:
    """Marks an asset failed, for a reason that a person reads.

    An asset that is ready, being deleted or failed already stays as it is: whoever got there first
    was right.

    Returns:
        Whether it failed by this call.
    """
    error = {"error_code": code, "error_message": message}
    failed = await _move(
        tx, asset_id, AssetState.FAILED, error, {"error": {"code": code, "message": message}}
    )
    return failed is not None


async def _move(
    tx: AsyncSession,
    asset_id: str,
    to: AssetState,
    changes: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Asset | None:
    overdue = _OVERDUE_AFTER[to]
    values: dict[str, Any] = {
        "deadline_at": None if overdue is None else func.clock_timestamp() + overdue,
        "error_code": None,
        "error_message": None,
        **changes,
        "state": to,
        "version": Asset.version + 1,
        "updated_at": func.clock_timestamp(),
    }
    # The condition is part of the statement: of two that race, the second sees the first's state.
    moved: Asset | None = await tx.scalar(
        update(Asset)
        .where(Asset.id == asset_id, Asset.state.in_(sources(to)))
        .values(values)
        .returning(Asset),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if moved is not None:
        await publish(
            tx,
            project_id=moved.project_id,
            asset_id=asset_id,
            type=f"asset.{to.value}",
            data={"state": to.value, "version": moved.version, **data},
        )
    return moved
