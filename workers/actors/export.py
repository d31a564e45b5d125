"""Writes the copy of the asset's row that lies beside its media."""

from app.assets.export import export_metadata
from workers.work import Work


async def export(work: Work) -> None:
    await export_metadata(
        work.services.database, work.services.store, work.lease.project_id, work.asset_id
    )
