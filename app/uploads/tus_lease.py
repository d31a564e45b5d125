"""Who may write to a tus upload: one PATCH at a time, for as long as it shows that it is alive.

A PATCH takes the lease and with it a fence, a number that no other PATCH of the upload has. All it
records names the fence, so one that was taken for dead and was not changes nothing any more. The
lease of a process that died runs out within seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.foundation.errors import Locked
from app.uploads.models import Upload
from app.uploads.states import OPEN
from app.uploads.tus_models import TusUpload

# Clients try again for some ten seconds by themselves; a dead process has to be over by then.
LEASE = timedelta(seconds=6)
_RENEW_SECONDS = 2.0
_RETRY_AFTER = "2"


@dataclass(slots=True)
class Hold:
    """The right to write to an upload, and what it was when that was given.

    Args:
        part_bytes: Of each part but the last.
        length: None where the client has not said it yet.
        offset: Bytes that are durable.
        tail_key: The object with the bytes behind the last whole part, if there are any.
    """

    upload_id: str
    project_id: str
    fence: int
    object_key: str
    store_upload_id: str
    part_bytes: int
    length: int | None
    offset: int
    tail_key: str | None
    lost: bool = field(default=False)

    def new_tail_key(self, offset: int) -> str:
        """Where the bytes up to `offset` go; no other PATCH ever writes there."""
        return f"{tail_prefix(self.upload_id)}{offset}.{self.fence}"


def tail_prefix(upload_id: str) -> str:
    """Under it lies all that tus has of an upload beside its object."""
    return f"tus/{upload_id}/tail/"


async def claim(tx: AsyncSession, upload_id: str) -> int:
    """Takes the lease; gives the fence.

    Raises:
        Locked: upload_locked.
    """
    now = func.clock_timestamp()
    fence: int | None = await tx.scalar(
        update(TusUpload)
        .where(
            TusUpload.upload_id == upload_id,
            or_(TusUpload.lease_until.is_(None), TusUpload.lease_until < now),
        )
        .values(fence=TusUpload.fence + 1, lease_until=now + LEASE)
        .returning(TusUpload.fence),
        execution_options={"synchronize_session": False},
    )
    if fence is None:
        raise locked()
    return fence


def locked() -> Locked:
    return Locked(
        "upload_locked",
        "Another request is writing to this upload. Ask for the offset again in a moment.",
        headers={"Retry-After": _RETRY_AFTER},
    )


@asynccontextmanager
async def kept(database: Database, hold: Hold) -> AsyncIterator[None]:
    """Renews the lease while the block runs, and gives it back at its end."""
    renewing = asyncio.create_task(_renew_forever(database, hold))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        # If it cannot be given back it runs out by itself.
        with suppress(*DATABASE_ERRORS):
            async with database.project(hold.project_id) as tx:
                await tx.execute(
                    update(TusUpload)
                    .where(TusUpload.upload_id == hold.upload_id, TusUpload.fence == hold.fence)
                    .values(lease_until=None)
                    .execution_options(synchronize_session=False)
                )


async def _renew_forever(database: Database, hold: Hold) -> None:
    while not hold.lost:
        await asyncio.sleep(_RENEW_SECONDS)
        with suppress(*DATABASE_ERRORS):
            async with database.project(hold.project_id) as tx:
                await _renew(tx, hold)


async def record(tx: AsyncSession, hold: Hold, etags: Sequence[str]) -> None:
    """Counts what the store has durably: all up to the hold's offset.

    Args:
        etags: Of parts that became whole since the last time.

    Raises:
        Locked: upload_locked; another PATCH has the upload by now, or it has ended.
    """
    await _renew(
        tx,
        hold,
        received=hold.offset,
        part_etags=func.array_cat(TusUpload.part_etags, list(etags)),
        tail_key=hold.tail_key,
    )
    if hold.lost:
        raise locked()


async def _renew(tx: AsyncSession, hold: Hold, **values: Any) -> None:
    """Extends the lease, and sets values, if it still is this PATCH's."""
    taking = select(Upload.id).where(Upload.id == hold.upload_id, Upload.state.in_(OPEN)).exists()
    ours = await tx.scalar(
        update(TusUpload)
        .where(TusUpload.upload_id == hold.upload_id, TusUpload.fence == hold.fence, taking)
        .values(lease_until=func.clock_timestamp() + LEASE, **values)
        .returning(TusUpload.upload_id),
        execution_options={"synchronize_session": False},
    )
    hold.lost = ours is None
