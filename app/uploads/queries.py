"""Questions about uploads that other nouns ask."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.uploads.models import Upload


async def filename_of(tx: AsyncSession, asset_id: str) -> str:
    """What the asset's file was called where it came from."""
    name = await tx.scalar(select(Upload.filename).where(Upload.asset_id == asset_id))
    return name or "video"
