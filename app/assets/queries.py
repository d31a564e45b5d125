"""Reading assets: lists whose pages are ranges of an index, one asset in one round trip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.assets.models import Asset, AssetState
from app.assets.progress import overall
from app.assets.schemas import AssetDetail, AssetSort, AssetView, UploadOfAsset
from app.foundation.errors import Gone, NotFound
from app.foundation.paging import Page, Value, fetch_page
from app.jobs.models import Job, JobState, Task, TaskState
from app.playback.models import PlaybackId
from app.playback.schemas import PlaybackIdOut, PlaybackUrls
from app.renditions.models import Image, ImageKind, Rendition
from app.renditions.schemas import ImageView, RenditionView
from app.uploads.models import Upload

_KEYS: Mapping[str, Sequence[tuple[InstrumentedAttribute[Any], type[Value]]]] = {
    "created": ((Asset.created_at, datetime), (Asset.id, str)),
    "title": ((Asset.title_order, str), (Asset.id, str)),
    "duration": ((Asset.duration_order, int), (Asset.id, str)),
}

_WORKED_ON = frozenset({AssetState.INGESTING, AssetState.PROCESSING})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which assets; those that were deleted are left out unless their state is asked for.

    Args:
        title: Part of the title, in any case.
    """

    state: AssetState | None = None
    title: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def list_assets(
    tx: AsyncSession,
    which: Filter,
    *,
    sort: AssetSort,
    limit: int,
    cursor: str | None,
    public_url: str,
) -> Page[AssetView]:
    """One page of the project's assets.

    Raises:
        Invalid: cursor_invalid.
    """
    rows, next_cursor = await fetch_page(
        tx,
        filtered(which),
        keys=_KEYS[sort.value.lstrip("-")],
        limit=limit,
        cursor=cursor,
        order=f"assets {sort.value} {which}",
        descending=sort.value.startswith("-"),
    )
    playback = await _playback_of(tx, [asset.id for asset in rows], public_url)
    items = [AssetView.of(asset, playback.get(asset.id, [])) for asset in rows]
    return Page(items, next_cursor)


def filtered(which: Filter) -> Select[Asset]:
    query = select(Asset)
    if which.state is None:
        query = query.where(Asset.state != AssetState.DELETED)
    else:
        query = query.where(Asset.state == which.state)
    if which.title:
        query = query.where(Asset.title.icontains(which.title, autoescape=True))
    if which.created_after is not None:
        query = query.where(Asset.created_at > which.created_after)
    if which.created_before is not None:
        query = query.where(Asset.created_at < which.created_before)
    return query


async def _playback_of(
    tx: AsyncSession, asset_ids: Sequence[str], public_url: str
) -> dict[str, list[PlaybackIdOut]]:
    if not asset_ids:
        return {}
    found = await tx.scalars(
        select(PlaybackId)
        .where(PlaybackId.asset_id.in_(asset_ids), PlaybackId.revoked_at.is_(None))
        .order_by(PlaybackId.created_at, PlaybackId.id)
    )
    by_asset: dict[str, list[PlaybackIdOut]] = {}
    for row in found:
        by_asset.setdefault(row.asset_id, []).append(PlaybackIdOut.of(row, public_url))
    return by_asset


class _TaskFacts(msgspec.Struct):
    kind: str
    state: TaskState
    progress: float
    eta_seconds: float | None


def _rows(
    table: Any, columns: Sequence[str], *where: ColumnElement[bool], order: Any
) -> ColumnElement[Any]:
    """The rows of a table that belong to an asset, as a JSON list within the asset's own row."""
    pairs = [part for name in columns for part in (name, getattr(table, name))]
    listed = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*pairs), *order))
    return (
        select(func.coalesce(listed, func.jsonb_build_array()))
        .where(table.asset_id == Asset.id, *where)
        .correlate(Asset)
        .scalar_subquery()
    )


_DETAIL = select(
    Asset,
    _rows(
        PlaybackId,
        ("id", "asset_id", "policy", "created_at"),
        PlaybackId.revoked_at.is_(None),
        order=(PlaybackId.created_at, PlaybackId.id),
    ),
    _rows(
        Rendition,
        RenditionView.__struct_fields__,
        order=(Rendition.kind.desc(), Rendition.height.desc().nulls_last(), Rendition.name),
    ),
    # Up to a hundred thumbnails would make most of the answer; they have a list of their own.
    _rows(
        Image,
        ImageView.__struct_fields__,
        Image.kind != ImageKind.THUMBNAIL,
        order=(Image.id,),
    ),
    _rows(Upload, ("id", "state", "filename"), order=(Upload.id,)),
    _rows(
        Task,
        ("kind", "state", "progress", "eta_seconds"),
        Task.job_id.in_(select(Job.id).where(Job.state == JobState.RUNNING)),
        order=(Task.id,),
    ),
    # A parameter of its own, so that the statement is the same object each time: SQLAlchemy takes
    # longer to find out that a new one is equal to one that it has compiled than to run it.
).where(Asset.id == bindparam("asset_id"))


async def get_detail(tx: AsyncSession, asset_id: str, public_url: str) -> AssetDetail:
    """An asset with all that belongs to it.

    Raises:
        NotFound: asset_not_found.
        Gone: asset_deleted.
    """
    row = (await tx.execute(_DETAIL, {"asset_id": asset_id})).one_or_none()
    if row is None:
        raise NotFound("asset_not_found", f"There is no asset {asset_id}.")
    asset, playback, renditions, images, uploads, tasks = row
    if asset.state is AssetState.DELETED:
        raise Gone("asset_deleted", f"The asset {asset_id} was deleted.")
    for each in playback:
        each["urls"] = PlaybackUrls.of(each["id"], public_url)
    return AssetDetail.of(
        asset,
        msgspec.convert(playback, list[PlaybackIdOut]),
        verdict=asset.verdict,
        upload=msgspec.convert(uploads[0], UploadOfAsset) if uploads else None,
        renditions=msgspec.convert(renditions, list[RenditionView]),
        images=msgspec.convert(images, list[ImageView]),
        progress=(
            overall(msgspec.convert(tasks, list[_TaskFacts])) if asset.state in _WORKED_ON else None
        ),
    )
