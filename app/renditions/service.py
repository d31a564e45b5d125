"""What was made of an asset: replaced as a whole by the transaction that publishes it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.foundation.db.ids import new_id
from app.foundation.errors import NotFound
from app.renditions.models import Image, ImageKind, Rendition


@dataclass(frozen=True, slots=True)
class NewRendition:
    """Facts of a rendition, as columns of `renditions`: bits per second, milliseconds, bytes."""

    name: str
    kind: str
    codecs: str
    width: int | None
    height: int | None
    frame_rate: float | None
    bandwidth: int
    average_bandwidth: int
    segment_count: int
    duration_ms: int
    size_bytes: int
    copied: bool
    conformance: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewImage:
    """Facts of an image, as columns of `images`; `time_ms` is where in the video it was taken."""

    kind: str
    object_key: str
    content_type: str
    size_bytes: int
    width: int | None = None
    height: int | None = None
    time_ms: int | None = None


async def replace(
    tx: AsyncSession,
    *,
    project_id: str,
    asset_id: str,
    renditions: Sequence[NewRendition],
    images: Sequence[NewImage],
) -> None:
    """Puts these rows in the place of those the asset had."""
    await remove(tx, asset_id)
    owner = {"project_id": project_id, "asset_id": asset_id}
    if renditions:
        rows = [{"id": new_id("rnd"), **owner, **asdict(r)} for r in renditions]
        await tx.execute(insert(Rendition), rows)
    if images:
        await tx.execute(
            insert(Image), [{"id": new_id("img"), **owner, **asdict(i)} for i in images]
        )


async def remove(tx: AsyncSession, asset_id: str) -> None:
    await tx.execute(delete(Rendition).where(Rendition.asset_id == asset_id))
    await tx.execute(delete(Image).where(Image.asset_id == asset_id))


async def list_renditions(tx: AsyncSession, asset_id: str) -> Sequence[Rendition]:
    """Video first, from the highest down, then audio."""
    query = (
        select(Rendition)
        .where(Rendition.asset_id == asset_id)
        .order_by(Rendition.kind.desc(), Rendition.height.desc().nulls_last(), Rendition.name)
    )
    return (await tx.scalars(query)).all()


async def list_images(
    tx: AsyncSession, asset_id: str, kind: ImageKind | None = None
) -> Sequence[Image]:
    """In the order they were made; those of one kind, or all."""
    query = select(Image).where(Image.asset_id == asset_id).order_by(Image.id)
    if kind is not None:
        query = query.where(Image.kind == kind)
    return (await tx.scalars(query)).all()


async def thumbnail_near(tx: AsyncSession, asset_id: str, time_ms: int) -> Image | None:
    """The thumbnail whose time is nearest, of two equally near the one that is shown by then.

    None for an asset that has no thumbnails.
    """
    thumbnails = select(Image).where(Image.asset_id == asset_id, Image.kind == ImageKind.THUMBNAIL)
    begun = thumbnails.where(Image.time_ms <= time_ms).order_by(Image.time_ms.desc()).limit(1)
    later = thumbnails.where(Image.time_ms > time_ms).order_by(Image.time_ms).limit(1)
    # Each half reads one entry of the index.
    near = aliased(Image, union_all(begun, later).subquery())
    query = select(near).order_by(func.abs(near.time_ms - time_ms), near.time_ms).limit(1)
    return (await tx.scalars(query)).one_or_none()


async def get_image(tx: AsyncSession, asset_id: str, kind: str) -> Image:
    """The asset's first image of a kind.

    Raises:
        NotFound: image_not_found.
    """
    image = await tx.scalar(
        select(Image).where(Image.asset_id == asset_id, Image.kind == kind).order_by(Image.id)
    )
    if image is None:
        raise NotFound("image_not_found", f"The asset has no {kind}.")
    return image
