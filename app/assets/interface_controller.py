"""The routes that the analytics service had, over the same queries."""

from datetime import datetime
from typing import Annotated, Self

import msgspec
from litestar import Controller, get
from litestar.params import FromPath
from msgspec import Meta

from app.assets import queries
from app.assets.models import AssetState
from app.assets.queries import Filter
from app.assets.schemas import AssetSort, AssetView
from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.parameters import Cursor, Limit
from app.foundation.http.transaction import Config, Tx
from app.foundation.paging import LIMIT_DEFAULT


class VideoCard(msgspec.Struct, kw_only=True, frozen=True):
    """A video in a list."""

    video_id: Annotated[str, Meta(examples=["ast_01m7y2sxfzer7benctm86j0yxp"])]
    title: Annotated[str, Meta(examples=["Opening night"])]
    status: AssetState
    duration_seconds: Annotated[float | None, Meta(examples=[60.0])]
    width: int | None
    height: int | None
    size_bytes: int | None
    uploaded_at: datetime
    playback_url: Annotated[str | None, Meta(description="The HLS playlist, once it is ready.")]
    thumbnail_url: str | None

    @classmethod
    def of(cls, asset: AssetView) -> Self:
        ready = asset.state is AssetState.READY and bool(asset.playback_ids)
        urls = asset.playback_ids[0].urls if ready else None
        return cls(
            video_id=asset.id,
            title=asset.title,
            status=asset.state,
            duration_seconds=None if asset.duration_ms is None else asset.duration_ms / 1000,
            width=asset.width,
            height=asset.height,
            size_bytes=asset.source_bytes,
            uploaded_at=asset.created_at,
            playback_url=urls.hls if urls else None,
            thumbnail_url=urls.poster if urls else None,
        )


class VideoCards(msgspec.Struct, frozen=True):
    videos: list[VideoCard]
    next_cursor: str | None


class AnalyticsController(Controller):
    path = "/api/analytics"
    tags = ("interfaces",)

    @get(
        "/videos",
        guards=[requires("assets:read")],
        operation_id="analytics_videos",
        summary="List videos",
        description="Newest first.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_videos(
        self, tx: Tx, settings: Config, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> VideoCards:
        page = await queries.list_assets(
            tx,
            Filter(),
            sort=AssetSort.CREATED_DESC,
            limit=limit,
            cursor=cursor,
            public_url=settings.public_url,
        )
        return VideoCards([VideoCard.of(asset) for asset in page.items], page.next_cursor)

    @get(
        "/video/{video_id:str}",
        guards=[requires("assets:read")],
        operation_id="analytics_video",
        summary="Get a video",
        description="As in the list.",
        responses=documented({404: "asset_not_found", 410: "asset_deleted"}),
    )
    async def get_video(self, tx: Tx, settings: Config, video_id: FromPath[str]) -> VideoCard:
        return VideoCard.of(await queries.get_detail(tx, video_id, settings.public_url))
