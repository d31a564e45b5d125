"""Leases on the shards of a data stream, and how far each was read.

The rows belong to the group's project, so that a checkpoint moves in the transaction that makes
the bytes before it durable. Every write names the fence of its lease; a stale one changes nothing.
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.intake.models import StreamShard


class ShardLost(Exception):
    """Another consumer holds the shard by now; nothing was written."""


@dataclass(frozen=True, slots=True)
class Group:
    """Consumers that share the shards of one data stream.

    Args:
        project_id: Whose the videos are. A group of the same name elsewhere is another one.
    """

    project_id: str
    name: str
    stream: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as the group's table shows it.

    Args:
        owner: Who holds a lease that has not run out.
        checkpoint: Sequence number up to which all is durable; None at the shard's beginning.
        can_start: Its parents were read to their end.
    """

    id: str
    owner: str | None
    fence: int
    checkpoint: str | None
    can_start: bool


async def add_shards(
    tx: AsyncSession, group: Group, shards: Sequence[tuple[str, Sequence[str]]]
) -> None:
    """Makes rows of shards that have none.

    Args:
        shards: Ids, each with those of its parents.
    """
    if not shards:
        return
    rows = [
        {
            "project_id": group.project_id,
            "consumer_group": group.name,
            "stream": group.stream,
            "shard_id": shard_id,
            "parents": list(parents),
        }
        for shard_id, parents in sorted(shards)
    ]
    await tx.execute(insert(StreamShard).values(rows).on_conflict_do_nothing())


async def list_shards(tx: AsyncSession, group: Group) -> list[Shard]:
    """The shards that are not read to their end, by id."""
    live = StreamShard.lease_until > func.clock_timestamp()
    rows = await tx.execute(
        select(
            StreamShard.shard_id,
            StreamShard.owner,
            live,
            StreamShard.fence,
            StreamShard.checkpoint,
            StreamShard.parents,
        )
        .where(*_of(group), StreamShard.finished_at.is_(None))
        .order_by(StreamShard.shard_id)
    )
    found = rows.all()
    # A parent without a row is older than what Kinesis keeps: nothing of it is left to read.
    unfinished = {row[0] for row in found}
    return [
        Shard(shard_id, owner if held else None, fence, checkpoint, unfinished.isdisjoint(parents))
        for shard_id, owner, held, fence, checkpoint, parents in found
    ]


def plan_takeover(shards: Sequence[Shard], me: str) -> list[Shard]:
    """Which shards a consumer takes now, so that all have about as many.

    Those without an owner first, up to a fair share; then, if somebody has two more than this one,
    one of theirs. That ends: no move makes the difference of two larger.
    """
    held = Counter(shard.owner for shard in shards if shard.owner is not None)
    mine = held.pop(me, 0)
    ready = [shard for shard in shards if shard.can_start]
    free = [shard for shard in ready if shard.owner is None]
    if free:
        fair = math.ceil(len(ready) / (1 + len(held)))
        return free[: max(0, fair - mine)]
    richest, most = max(held.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if most < mine + 2:
        return []
    return [shard for shard in ready if shard.owner == richest][:1]


async def take(
    tx: AsyncSession, group: Group, shard: Shard, *, owner: str, lease: timedelta
) -> Shard | None:
    """Takes a shard as it was seen; None when somebody else was faster."""
    row = (
        await tx.execute(
            update(StreamShard)
            .where(
                *_of(group),
                StreamShard.shard_id == shard.id,
                StreamShard.fence == shard.fence,
                StreamShard.finished_at.is_(None),
                or_(
                    StreamShard.lease_until.is_(None),
                    StreamShard.lease_until <= func.clock_timestamp(),
                    StreamShard.owner == shard.owner,
                ),
            )
            .values(
                owner=owner,
                fence=StreamShard.fence + 1,
                lease_until=func.clock_timestamp() + lease,
            )
            .returning(StreamShard.fence, StreamShard.checkpoint)
            .execution_options(synchronize_session=False)
        )
    ).one_or_none()
    if row is None:
        return None
    return replace(shard, owner=owner, fence=row[0], checkpoint=row[1])


async def extend(
    tx: AsyncSession, group: Group, held: Collection[Shard], *, lease: timedelta
) -> set[str]:
    """Extends leases; gives the ids of the shards that are still held."""
    if not held:
        return set()
    mine = or_(*(_is(shard) for shard in held))
    rows = await tx.scalars(
        update(StreamShard)
        .where(*_of(group), mine)
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(StreamShard.shard_id)
        .execution_options(synchronize_session=False)
    )
    return set(rows)


async def move_checkpoint(
    tx: AsyncSession, group: Group, shard: Shard, checkpoint: str | None, *, finished: bool = False
) -> None:
    """Says how far all is durable; first in its transaction, whose writes the fence so guards.

    Args:
        finished: The shard is closed and was read to its end: its children can start.

    Raises:
        ShardLost: as it says.
    """
    values: dict[str, object] = {"checkpoint": checkpoint}
    if finished:
        values |= {"finished_at": func.clock_timestamp(), "owner": None, "lease_until": None}
    await _write(tx, group, shard, values)


async def hold(tx: AsyncSession, group: Group, shard: Shard) -> None:
    """Guards a transaction that moves no checkpoint.

    Raises:
        ShardLost: as it says.
    """
    await _write(tx, group, shard, {"fence": StreamShard.fence})


async def release(tx: AsyncSession, group: Group, shard: Shard) -> None:
    """Lets others have the shard at once. Again, or when it is lost: nothing."""
    await tx.execute(
        update(StreamShard)
        .where(*_of(group), _is(shard))
        .values(owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


async def _write(tx: AsyncSession, group: Group, shard: Shard, values: dict[str, object]) -> None:
    written = await tx.scalar(
        update(StreamShard)
        .where(*_of(group), _is(shard))
        .values(values)
        .returning(StreamShard.shard_id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise ShardLost(shard.id)


def _of(group: Group) -> tuple[ColumnElement[bool], ...]:
    return (
        StreamShard.project_id == group.project_id,
        StreamShard.consumer_group == group.name,
        StreamShard.stream == group.stream,
    )


def _is(shard: Shard) -> ColumnElement[bool]:
    return and_(
        StreamShard.shard_id == shard.id,
        StreamShard.fence == shard.fence,
        StreamShard.owner == shard.owner,
    )
