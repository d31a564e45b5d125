"""Images of a playback id: poster, thumbnails, storyboard."""

import asyncio
import hashlib
from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from app.foundation.errors import Invalid
from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Objects
from app.foundation.storage.conditions import matches
from app.foundation.storage.protocols import ObjectStore
from app.playback.cors import open_to_every_origin
from app.playback.dependencies import (
    DEPENDENCIES,
    REFUSED,
    CookiesQuery,
    Deliverer,
    Opened,
    Opener,
    refused_or,
)
from app.playback.documents import cache_control, cookies_of
from app.playback.objects import read_bytes, read_text, serve_object
from app.playback.schemas import PlaybackStatus
from app.playback.storyboard import VTT, parse_storyboard, place_storyboard, tile_at
from app.playback.thumbnails import MAX_WIDTH, Box, Cut, ImageFormat, cut_image
from app.playback.viewing import Viewing, Viewings

Seconds = Annotated[
    float | None,
    QueryParameter(
        name="time",
        description="Seconds from the start. Without it, the poster is what is scaled.",
        ge=0,
        required=False,
    ),
]
Width = Annotated[
    int | None,
    QueryParameter(
        name="width",
        description="Pixels; the height follows. Nothing is enlarged: a thumbnail at a time is at "
        "most 640 pixels wide and high.",
        ge=16,
        le=MAX_WIDTH,
        required=False,
    ),
]
_REFUSED = refused_or("image_not_found")
_THUMBNAIL = (
    "The poster, or with `time` the nearest of up to 100 pictures taken at even intervals, at most "
    "640 pixels wide and high, scaled down to `width`. A video of up to 20 seconds has one per "
    "second. Where a video was processed before there were such pictures, a tile of its storyboard."
)


def _poster(kind: ImageFormat) -> HTTPRouteHandler:
    @get(
        f"/poster.{kind.value}",
        operation_id=f"get_poster_{kind.name.lower()}",
        summary=f"Poster as {kind.label}",
        description="The most telling of a few frames; for sound without picture, a drawing.",
        media_type=kind.content_type,
        responses=_REFUSED,
    )
    async def poster(
        self: Controller,  # noqa: ARG001  # a handler of a controller
        request: Request[Any, Any, Any],
        store: Objects,
        viewing: Opened,
    ) -> Response[bytes] | Stream:
        image = viewing.image("poster", kind.content_type)
        return await serve_object(store, image.key, request.headers, cache_control=_cache(viewing))

    return poster


def _thumbnail(kind: ImageFormat) -> HTTPRouteHandler:
    @get(
        f"/thumbnail.{kind.value}",
        operation_id=f"get_thumbnail_{kind.name.lower()}",
        summary=f"Thumbnail as {kind.label}",
        description=_THUMBNAIL,
        media_type=kind.content_type,
        responses=_REFUSED | documented({422: "time_out_of_range"}),
    )
    async def thumbnail(
        self: Controller,  # noqa: ARG001  # a handler of a controller
        request: Request[Any, Any, Any],
        store: Objects,
        viewings: Opener,
        viewing: Opened,
        time: Seconds = None,
        width: Width = None,
    ) -> Response[bytes]:
        if time is None:
            key, box = viewing.image("poster").key, None
        else:
            key, box = await _picture_at(store, viewings, viewing, time)
        cut = Cut(kind, box, width)
        # Published images never change under their key, so what is made of them has a name
        # beforehand.
        etag = f'"{hashlib.sha256(f"{key} {cut}".encode()).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": _cache(viewing)}
        if matches(request.headers.get("if-none-match"), etag):
            return Response(b"", status_code=304, headers=headers)
        picture = await asyncio.to_thread(cut_image, await read_bytes(store, key), cut)
        return Response(picture, headers=headers, media_type=kind.content_type)

    return thumbnail


class ImageController(Controller):
    path = "/{playback_id:str}"
    tags = ("playback",)
    dependencies = DEPENDENCIES
    middleware = (open_to_every_origin,)

    @get(
        "/status",
        operation_id="get_playback_status",
        summary="Whether the video can be played yet",
        description="What the player page asks for while the video is being processed.",
        responses=REFUSED,
    )
    async def status(self, viewing: Opened) -> Response[PlaybackStatus]:
        return Response(PlaybackStatus.of(viewing), headers={"Cache-Control": "no-store"})

    poster_jpeg = _poster(ImageFormat.JPEG)
    poster_webp = _poster(ImageFormat.WEBP)
    thumbnail_jpeg = _thumbnail(ImageFormat.JPEG)
    thumbnail_webp = _thumbnail(ImageFormat.WEBP)

    @get(
        "/storyboard.vtt",
        operation_id="get_storyboard",
        summary="Storyboard index",
        description="WebVTT whose cues are rectangles (`#xywh=`) of sheets; their addresses carry "
        "a grant, as those of segments do.",
        media_type=VTT,
        responses=_REFUSED,
    )
    async def storyboard(
        self,
        store: Objects,
        delivery: Deliverer,
        viewing: Opened,
        with_cookies: CookiesQuery = False,
    ) -> Response[str]:
        key = viewing.image("storyboard_index").key
        grant = viewing.grant(delivery, key.rpartition("/")[0], cookies=with_cookies)
        text = place_storyboard(await read_text(store, key), grant)
        headers = {"Cache-Control": cache_control(viewing, grant)}
        return Response(text, headers=headers, cookies=cookies_of(grant), media_type=VTT)


async def _picture_at(
    store: ObjectStore, viewings: Viewings, viewing: Viewing, seconds: float
) -> tuple[str, Box | None]:
    """The image that shows a moment best, and the rectangle in it when it shows others too."""
    if not viewing.images:
        viewing.published_prefix()
    if viewing.duration_ms is None or seconds * 1000 > viewing.duration_ms:
        raise Invalid(
            "time_out_of_range",
            f"The video ends after {(viewing.duration_ms or 0) / 1000:g} s.",
            extra={"errors": [{"parameter": "time", "in": "query", "detail": "is too late"}]},
        )
    time_ms = int(seconds * 1000)
    if thumbnail := await viewings.thumbnail(viewing, time_ms):
        return thumbnail.key, None
    index = viewing.image("storyboard_index").key
    tile = tile_at(parse_storyboard(await read_text(store, index)), time_ms)
    return f"{index.rpartition('/')[0]}/{tile.sheet}", tile.box


def _cache(viewing: Viewing) -> str:
    return f"{viewing.audience.value}, max-age=300"
