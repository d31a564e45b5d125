"""Deliveries as people look at them: where each is, why it failed, and sending it again.

A project's own role sees its own. The dispatch role, for who runs Spool, sees those of all
projects, without the reasons.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.paging import Page, fetch_rows
from app.notifications.models import DeliveryState, Event, OutboxRow
from app.notifications.schemas import DeliveryView

_DEAD = OutboxRow.dead_at.is_not(None)
_IN = {
    DeliveryState.WAITING: OutboxRow.done_at.is_(None) & OutboxRow.dead_at.is_(None),
    DeliveryState.SENT: OutboxRow.done_at.is_not(None),
    DeliveryState.DEAD: _DEAD,
}


async def list_deliveries(
    tx: AsyncSession, *, state: DeliveryState | None, limit: int, cursor: str | None
) -> Page[DeliveryView]:
    """The project's deliveries, newest event first.

    Raises:
        Invalid: cursor_invalid.
    """
    query = select(OutboxRow, Event.type).join(Event, Event.id == OutboxRow.event_id)
    if state is not None:
        query = query.where(_IN[state])
    rows, next_cursor = await fetch_rows(
        tx,
        query,
        keys=((OutboxRow.event_id, str), (OutboxRow.channel, str), (OutboxRow.target, str)),
        limit=limit,
        cursor=cursor,
        order=f"deliveries {state}",
        descending=True,
    )
    return Page([DeliveryView.of(row[0], row.type) for row in rows], next_cursor)


async def projects_with_dead(tx: AsyncSession) -> Sequence[str]:
    """Whose deliveries were given up. Under the dispatch role."""
    query = select(OutboxRow.project_id).where(_DEAD).distinct().order_by(OutboxRow.project_id)
    return (await tx.scalars(query)).all()


async def redeliver(tx: AsyncSession, event_ids: Collection[str] | None) -> int:
    """Has what was given up sent again, with all its attempts before it; how many deliveries.

    Args:
        event_ids: Of the events; None for all that this role sees.
    """
    chosen = [_DEAD] if event_ids is None else [_DEAD, OutboxRow.event_id.in_(event_ids)]
    again = await tx.scalars(
        update(OutboxRow)
        .where(*chosen)
        .values(dead_at=None, attempts=0, next_at=func.clock_timestamp())
        .returning(OutboxRow.event_id)
        .execution_options(synchronize_session=False)
    )
    return len(again.all())


async def forget(tx: AsyncSession, event_ids: Collection[str]) -> int:
    """Removes what was given up and nobody wants sent any more; how many deliveries.

    Args:
        tx: Of the dispatch role.
    """
    gone = await tx.scalars(
        delete(OutboxRow)
        .where(_DEAD, OutboxRow.event_id.in_(event_ids))
        .returning(OutboxRow.event_id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
