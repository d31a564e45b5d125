"""Media under grants: segments, media playlists, images."""

from typing import Any

from litestar import Controller, Request, Response, get, head, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.response import Stream

from app.foundation.http.documentation import documented
from app.foundation.http.edge import SECRET_PATH
from app.foundation.http.transaction import Objects
from app.playback.cors import open_to_every_origin, preflight
from app.playback.delivery import MEDIA_PATH
from app.playback.dependencies import DEPENDENCIES, Paths
from app.playback.objects import describe_object, serve_object

# Objects under a media prefix never change. A cache keeps them no longer than a day, so that what
# was revoked does not live on in it for ever.
_KEEP = "max-age=86400, immutable"


class MediaController(Controller):
    path = MEDIA_PATH
    tags = ("playback",)
    dependencies = DEPENDENCIES
    middleware = (open_to_every_origin,)
    opt = {SECRET_PATH: True}  # noqa: RUF012  # Litestar reads it so

    @get(
        "/{grant:str}/{path:path}",
        operation_id="get_media",
        summary="A published file",
        description="Segments, media playlists and storyboard sheets. The address comes from a "
        "manifest and carries its own permission; it is not to be put together by hand. Takes "
        "Range, If-Range and If-None-Match.",
        media_type="video/iso.segment",
        responses=documented(
            {
                403: ("signature_invalid", "signature_expired"),
                404: "object_not_found",
                416: "range_not_satisfiable",
            }
        ),
    )
    async def read(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        paths: Paths,
        grant: FromPath[str],
        path: FromPath[str],
    ) -> Response[bytes] | Stream:
        audience, key = paths.open(grant, path)
        cache = f"{audience.value}, {_KEEP}"
        return await serve_object(store, key, request.headers, cache_control=cache)

    @head("/{grant:str}/{path:path}", include_in_schema=False)
    async def look(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        paths: Paths,
        grant: FromPath[str],
        path: FromPath[str],
    ) -> Response[None]:
        audience, key = paths.open(grant, path)
        cache = f"{audience.value}, {_KEEP}"
        return await describe_object(store, key, request.headers, cache_control=cache)

    @route("/{grant:str}/{path:path}", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask(self, grant: FromPath[str], path: FromPath[str]) -> Response[None]:  # noqa: ARG002  # of the path
        return preflight()
