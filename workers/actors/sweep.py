"""Removes what attempts left behind that nobody will use."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.assets import service as assets
from app.assets.keys import derived_prefixes
from app.foundation.errors import Gone
from app.jobs import service as jobs
from app.renditions import service as renditions
from workers.work import Work


async def sweep(work: Work) -> None:
    """Removes all that was made of an asset and is of no use."""
    async with work.transaction() as tx:
        kept = await _of_use(tx, work)
    removed = 0
    for prefix in derived_prefixes(work.asset_id):
        leftovers = [
            found.key
            async for found in work.services.store.list(prefix)
            if not found.key.startswith(kept)
        ]
        await work.services.store.delete(*leftovers)
        removed += len(leftovers)
    await work.finish(result={"removed": removed})


async def _of_use(tx: AsyncSession, work: Work) -> tuple[str, ...]:
    """How the keys begin of what is published, and of what other jobs have made or are making."""
    try:
        asset = await assets.get_asset(tx, work.asset_id)
    except Gone:
        # It was deleted while this waited for its turn.
        return ()
    images = await renditions.list_images(tx, work.asset_id)
    attempts = await jobs.attempts_in_use(tx, work.asset_id, but=work.lease.job_id)
    return (
        *filter(None, [asset.media_prefix, *(image.object_key for image in images)]),
        *(f"{prefix}{each}/" for prefix in derived_prefixes(work.asset_id) for each in attempts),
    )
