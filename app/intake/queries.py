"""Reading what arrives beside the API."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.paging import Page, fetch_rows
from app.intake.models import Arrival, ArrivalState, IngestStream, StreamState
from app.intake.schemas import ArrivalView, StreamView
from app.uploads.models import Upload


async def list_arrivals(
    tx: AsyncSession, *, state: ArrivalState | None, limit: int, cursor: str | None
) -> Page[ArrivalView]:
    """The project's objects, newest first.

    Raises:
        Invalid: cursor_invalid.
    """
    rows, following = await _newest(tx, Arrival, state, limit, cursor)
    return Page([ArrivalView.of(row[0], row.asset_id) for row in rows], following)


async def list_streams(
    tx: AsyncSession, *, state: StreamState | None, limit: int, cursor: str | None
) -> Page[StreamView]:
    """The project's videos in data streams, newest first.

    Raises:
        Invalid: cursor_invalid.
    """
    rows, following = await _newest(tx, IngestStream, state, limit, cursor)
    return Page([StreamView.of(row[0], row.asset_id) for row in rows], following)


async def projects_with_arrivals(tx: AsyncSession, state: ArrivalState | None) -> Sequence[str]:
    """Whose objects there are. Under the dispatch role."""
    query = select(Arrival.project_id).distinct().order_by(Arrival.project_id)
    if state is not None:
        query = query.where(Arrival.state == state)
    return (await tx.scalars(query)).all()


async def _newest(
    tx: AsyncSession,
    table: type[Arrival | IngestStream],
    state: ArrivalState | StreamState | None,
    limit: int,
    cursor: str | None,
) -> tuple[Sequence[Row[Any]], str | None]:
    query = select(table, Upload.asset_id).outerjoin(Upload, Upload.id == table.upload_id)
    if state is not None:
        query = query.where(table.state == state)
    return await fetch_rows(
        tx,
        query,
        keys=((table.id, str),),
        limit=limit,
        cursor=cursor,
        order=f"{table.__tablename__} {state}",
        descending=True,
    )
