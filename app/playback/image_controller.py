"""Images of a playback id: poster, thumbnails, storyboard."""

import asyncio
import hashlib
from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.params import QueryParameter
from litestar.response import Stream

from app.foundation.errors import Invalid
from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Objects
from app.foundation.storage.protocols import ObjectStore
from app.playback.cors import open_to_every_origin
from app.playback.dependencies import DEPENDENCIES, CookiesQuery, Deliverer, Opened, Opener
from app.playback.documents import cache_control, cookies_of
from app.playback.objects import matches, read_bytes, read_text, serve_object
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
_REFUSED = documented(
    {
        401: "playback_token_missing",
        403: "playback_token_invalid",
        404: ("playback_id_not_found", "image_not_found"),
        409: ("playback_not_ready", "playback_failed"),
    }
)
_THUMBNAIL = (
    "The poster, or with `time` the nearest of up to 100 pictures taken at even intervals, at most "
    "640 pixels wide and high, scaled down to `width`. A video of up to 20 seconds has one per "
    "second. Where a video was processed before there were such pictures, a tile of its storyboard."
)


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
        responses=documented(
            {
                401: "playback_token_missing",
                403: "playback_token_invalid",
                404: "playback_id_not_found",
            }
        ),
    )
    async def status(self, viewing: Opened) -> Response[PlaybackStatus]:
        return Response(PlaybackStatus.of(viewing), headers={"Cache-Control": "no-store"})

    @get(
        "/poster.jpg",
        operation_id="get_poster_jpeg",
        summary="Poster as JPEG",
        description="The most telling of a few frames; for sound without picture, a drawing.",
        media_type="image/jpeg",
        responses=_REFUSED,
    )
    async def poster_jpeg(
        self, request: Request[Any, Any, Any], store: Objects, viewing: Opened
    ) -> Response[bytes] | Stream:
        return await _poster(request, store, viewing, ImageFormat.JPEG)

    @get(
        "/poster.webp",
        operation_id="get_poster_webp",
        summary="Poster as WebP",
        description="The most telling of a few frames; for sound without picture, a drawing.",
        media_type="image/webp",
        responses=_REFUSED,
    )
    async def poster_webp(
        self, request: Request[Any, Any, Any], store: Objects, viewing: Opened
    ) -> Response[bytes] | Stream:
        return await _poster(request, store, viewing, ImageFormat.WEBP)

    @get(
        "/thumbnail.jpg",
        operation_id="get_thumbnail_jpeg",
        summary="Thumbnail as JPEG",
        description=_THUMBNAIL,
        media_type="image/jpeg",
        responses=_REFUSED | documented({422: "time_out_of_range"}),
    )
    async def thumbnail_jpeg(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        viewings: Opener,
        viewing: Opened,
        time: Seconds = None,
        width: Width = None,
    ) -> Response[bytes]:
        return await _thumbnail(request, store, viewings, viewing, ImageFormat.JPEG, time, width)

    @get(
        "/thumbnail.webp",
        operation_id="get_thumbnail_webp",
        summary="Thumbnail as WebP",
        description=_THUMBNAIL,
        media_type="image/webp",
        responses=_REFUSED | documented({422: "time_out_of_range"}),
    )
    async def thumbnail_webp(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        viewings: Opener,
        viewing: Opened,
        time: Seconds = None,
        width: Width = None,
    ) -> Response[bytes]:
        return await _thumbnail(request, store, viewings, viewing, ImageFormat.WEBP, time, width)

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


async def _poster(
    request: Request[Any, Any, Any], store: ObjectStore, viewing: Viewing, kind: ImageFormat
) -> Response[bytes] | Stream:
    image = viewing.image("poster", kind.content_type)
    return await serve_object(store, image.key, request.headers, cache_control=_cache(viewing))


async def _thumbnail(
    request: Request[Any, Any, Any],
    store: ObjectStore,
    viewings: Viewings,
    viewing: Viewing,
    kind: ImageFormat,
    seconds: float | None,
    width: int | None,
) -> Response[bytes]:
    if seconds is None:
        key, box = viewing.image("poster").key, None
    else:
        key, box = await _picture_at(store, viewings, viewing, seconds)
    cut = Cut(kind, box, width)
    # Published images never change under their key, so what is made of them has a name beforehand.
    etag = f'"{hashlib.sha256(f"{key} {cut}".encode()).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _cache(viewing)}
    if matches(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers)
    picture = await asyncio.to_thread(cut_image, await read_bytes(store, key), cut)
    return Response(picture, headers=headers, media_type=kind.content_type)


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
