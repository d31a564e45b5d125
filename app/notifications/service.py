"""Domain events: written with the rows they are about, and announced when those are committed.

The announcement is a NOTIFY, so PostgreSQL sends it after the commit, in the order of commits, and
never for what was rolled back. It carries ids; who wants the event reads its row. What has to leave
the system goes into the outbox in the same statement.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.ids import new_id
from app.foundation.telemetry.correlation import current_correlation_id
from app.notifications.models import Event
from app.notifications.outbox import outbox_inserts, outlets_of

CHANNEL = "spool_events"
TASK_PROGRESS = "task.progress"
# PostgreSQL refuses a NOTIFY of 8000 bytes or more.
_PAYLOAD_BYTES = 7999


async def publish(
    tx: AsyncSession,
    *,
    project_id: str,
    asset_id: str | None,
    type: str,  # noqa: A002  # the event's own word for it
    data: Mapping[str, Any],
) -> str:
    """Writes an event, and what of it leaves the system; announces it at the commit.

    Returns:
        The event's id.
    """
    event_id, correlation_id = new_id("evt"), current_correlation_id()
    row = (
        insert(Event)
        .values(
            id=event_id,
            project_id=project_id,
            asset_id=asset_id,
            type=type,
            data=dict(data),
            correlation_id=correlation_id,
        )
        .returning(Event.id)
        .cte("event")
    )
    payload = {"project_id": project_id, "asset_id": asset_id, "id": event_id, "type": type}
    statement = select(func.pg_notify(CHANNEL, _encode(payload))).select_from(row)
    if outlets := outlets_of(tx):
        inserts = outbox_inserts(
            outlets,
            event_id=event_id,
            project_id=project_id,
            asset_id=asset_id,
            type=type,
            correlation_id=correlation_id,
        )
        statement = statement.add_cte(
            *(each.cte(f"outlet_{number}") for number, each in enumerate(inserts))
        )
    await tx.execute(statement)
    return event_id


async def announce_progress(
    tx: AsyncSession, *, project_id: str, asset_id: str, data: Mapping[str, Any]
) -> None:
    """Tells who is listening how far a task is. Leaves no row: the task's row has the figure.

    Args:
        data: task_id, job_id, kind, progress (0 to 1), eta_seconds; small enough for a NOTIFY.
    """
    payload = {
        "project_id": project_id,
        "asset_id": asset_id,
        "id": None,
        "type": TASK_PROGRESS,
        "data": dict(data),
    }
    await tx.execute(select(func.pg_notify(CHANNEL, _encode(payload))))


async def events_after(
    tx: AsyncSession, *, asset_id: str | None, after: str, limit: int = 500
) -> Sequence[Event]:
    """The project's events, or one asset's, with ids behind `after`, oldest first."""
    query = select(Event).where(Event.id > after).order_by(Event.id).limit(limit)
    if asset_id is not None:
        query = query.where(Event.asset_id == asset_id)
    return (await tx.scalars(query)).all()


async def newest_event_ids(
    tx: AsyncSession, *, asset_id: str | None, limit: int = 100
) -> Sequence[str]:
    """The ids of the latest events, newest first."""
    query = select(Event.id).order_by(Event.id.desc()).limit(limit)
    if asset_id is not None:
        query = query.where(Event.asset_id == asset_id)
    return (await tx.scalars(query)).all()


def _encode(payload: Mapping[str, Any]) -> str:
    text = json.dumps(payload, separators=(",", ":"))
    if len(text.encode()) > _PAYLOAD_BYTES:
        raise ValueError(f"an announcement of more than {_PAYLOAD_BYTES} bytes")
    return text
