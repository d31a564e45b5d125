"""A copy of an asset's row beside its media, for who has the store and not the database.

It is written after the fact and never read back: the row is the truth.
"""

import msgspec

from app.assets.keys import metadata_key
from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.storage.protocols import ObjectStore

_GONE = frozenset({AssetState.DELETING, AssetState.DELETED})
_COLUMNS = (
    "id",
    "project_id",
    "title",
    "description",
    "tags",
    "state",
    "version",
    "source_key",
    "source_bytes",
    "source_sha256",
    "media_prefix",
    "duration_ms",
    "width",
    "height",
    "verdict",
    "created_at",
    "updated_at",
    "ready_at",
)


async def export_metadata(
    database: Database, store: ObjectStore, project_id: str, asset_id: str
) -> None:
    """Writes `metadata/{asset_id}.json`; goes after the commit that changed the row.

    Raises:
        StoreUnavailable: the copy is older than the row until the next export.
    """
    asset = await _read(database, project_id, asset_id)
    if asset is None:
        return
    facts = {name: getattr(asset, name) for name in _COLUMNS}
    await store.put(
        metadata_key(asset_id), msgspec.json.encode(facts), content_type="application/json"
    )
    # It may have been deleted while this was on its way.
    if await _read(database, project_id, asset_id) is None:
        await store.delete(metadata_key(asset_id))


async def _read(database: Database, project_id: str, asset_id: str) -> Asset | None:
    async with database.project(project_id) as tx:
        asset = await tx.get(Asset, asset_id)
    return None if asset is None or asset.state in _GONE else asset
