"""Removes what attempts left behind that nobody will use."""

from app.assets import service as assets
from app.assets.keys import derived_prefixes
from app.jobs import service as jobs
from app.renditions import service as renditions
from workers.work import Work


async def sweep(work: Work) -> None:
    """Keeps what is published, and what other jobs of the asset have made or are making."""
    async with work.transaction() as tx:
        asset = await assets.get_asset(tx, work.asset_id)
        images = await renditions.list_images(tx, work.asset_id)
        in_use = await jobs.attempts_in_use(tx, work.asset_id, but=work.lease.job_id)
    kept = tuple(filter(None, [asset.media_prefix, *(image.object_key for image in images)]))
    removed = 0
    for prefix in derived_prefixes(work.asset_id):
        keep = (*kept, *(f"{prefix}{attempt}/" for attempt in in_use))
        leftovers = [
            found.key
            async for found in work.services.store.list(prefix)
            if not found.key.startswith(keep)
        ]
        await work.services.store.delete(*leftovers)
        removed += len(leftovers)
    await work.finish(result={"removed": removed})
