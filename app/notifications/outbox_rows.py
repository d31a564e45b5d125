"""The outbox as a relay sees it: claimed, settled, swept. Under the dispatch role, all projects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.notifications.channels import Claimed
from app.notifications.models import ChannelName, OutboxRow

# One claim at a time, so that of one asset's rows nobody takes the second while somebody else is
# just taking the first. The number only has to be ours.
_CLAIM_LOCK = 7_766_503
_OPEN = (OutboxRow.done_at.is_(None), OutboxRow.dead_at.is_(None))
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much of a channel waits, how much has been given up, and since when the oldest waits."""

    waiting: int = 0
    dead: int = 0
    oldest: datetime | None = None


async def claim(
    tx: AsyncSession, channel: ChannelName, *, limit: int, hold: timedelta
) -> list[Claimed]:
    """Takes rows that are due, oldest event first, and counts the attempt.

    They come back by themselves when `hold` has passed and nobody has settled them. A row waits
    while an earlier one of the same asset for the same target is in hand or waits for its next
    attempt, so that its target hears of an asset in order.
    """
    await tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CLAIM_LOCK})
    earlier = aliased(OutboxRow)
    held_back = (
        select(earlier.event_id)
        .where(
            earlier.asset_id == OutboxRow.asset_id,
            earlier.channel == OutboxRow.channel,
            earlier.target == OutboxRow.target,
            earlier.event_id < OutboxRow.event_id,
            earlier.done_at.is_(None),
            earlier.dead_at.is_(None),
            earlier.next_at > func.statement_timestamp(),
        )
        .exists()
    )
    due = (
        select(OutboxRow.event_id, OutboxRow.target)
        .where(
            OutboxRow.channel == channel,
            *_OPEN,
            # The statement's time is one value, so that the index can be asked for it.
            OutboxRow.next_at <= func.statement_timestamp(),
            ~held_back,
        )
        .order_by(OutboxRow.event_id, OutboxRow.target)
        .limit(limit)
        .with_for_update(skip_locked=True, of=OutboxRow)
        .cte("due")
    )
    rows = await tx.execute(
        update(OutboxRow)
        .where(
            OutboxRow.channel == channel,
            OutboxRow.event_id == due.c.event_id,
            OutboxRow.target == due.c.target,
        )
        .values(attempts=OutboxRow.attempts + 1, next_at=func.clock_timestamp() + hold)
        .returning(
            OutboxRow.event_id,
            OutboxRow.project_id,
            OutboxRow.channel,
            OutboxRow.target,
            OutboxRow.origin,
            OutboxRow.correlation_id,
            OutboxRow.traceparent,
            OutboxRow.attempts,
            OutboxRow.created_at,
        )
        .execution_options(synchronize_session=False)
    )
    return sorted((Claimed(*row) for row in rows), key=lambda row: (row.event_id, row.target))


async def mark_done(tx: AsyncSession, rows: Sequence[Claimed]) -> None:
    """They have left. True whoever has them in hand by now."""
    if not rows:
        return
    await tx.execute(
        update(OutboxRow)
        .where(
            OutboxRow.channel == rows[0].channel,
            tuple_(OutboxRow.event_id, OutboxRow.target).in_(
                [(row.event_id, row.target) for row in rows]
            ),
        )
        .values(done_at=func.clock_timestamp(), last_error=None)
        .execution_options(synchronize_session=False)
    )


async def mark_failed(
    tx: AsyncSession, row: Claimed, error: str, *, pause: timedelta | None
) -> None:
    """This attempt failed. Changes nothing if another has begun meanwhile, or it has left.

    Args:
        pause: Until the next attempt; None gives the row up.
    """
    planned = (
        {"dead_at": func.clock_timestamp()}
        if pause is None
        else {"next_at": func.clock_timestamp() + pause}
    )
    await tx.execute(
        update(OutboxRow)
        .where(
            OutboxRow.event_id == row.event_id,
            OutboxRow.channel == row.channel,
            OutboxRow.target == row.target,
            OutboxRow.attempts == row.attempt,
            *_OPEN,
        )
        .values(last_error=error[:_ERROR_CHARACTERS], **planned)
        .execution_options(synchronize_session=False)
    )


async def remove_done(tx: AsyncSession, *, older_than: timedelta) -> None:
    """Forgets what left longer ago than that. What was given up stays, to be looked into."""
    await tx.execute(
        delete(OutboxRow)
        .where(OutboxRow.done_at < func.statement_timestamp() - bindparam("age", older_than))
        .execution_options(synchronize_session=False)
    )


async def measure(tx: AsyncSession) -> Mapping[ChannelName, Backlog]:
    """The backlog of each channel that has any."""
    waiting = OutboxRow.dead_at.is_(None)
    rows = await tx.execute(
        select(
            OutboxRow.channel,
            func.count().filter(waiting),
            func.count().filter(~waiting),
            func.min(OutboxRow.created_at).filter(waiting),
        )
        .where(OutboxRow.done_at.is_(None))
        .group_by(OutboxRow.channel)
    )
    return {row[0]: Backlog(*row[1:]) for row in rows}
