"""Removes every byte of an asset; a tombstone stays."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import deletion
from workers.work import Work


async def delete(work: Work) -> None:
    async with work.transaction() as tx:
        remains = await deletion.remains_of(tx, work.asset_id)
    await deletion.erase(work.services.store, remains)

    async def bury(tx: AsyncSession) -> None:
        await deletion.finish_deletion(tx, work.asset_id)

    await work.finish(bury)
