"""Media playlists whose URIs each carry their permission, for deliveries that ask for it there."""

import re
from typing import Any

from litestar import Controller, Request, Response, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath

from app.foundation.errors import NotFound
from app.foundation.http.transaction import Objects
from app.playback.cors import open_to_every_origin, preflight
from app.playback.dependencies import DEPENDENCIES, Deliverer, Opened, refused_or
from app.playback.documents import answer_document
from app.playback.manifests import HLS, place_playlist
from app.playback.objects import read_text

_PATH = re.compile(r"/(?P<folder>[\w-]+)/[\w-]+\.m3u8", re.ASCII)


class PlaylistController(Controller):
    path = "/{playback_id:str}/playlists"
    tags = ("playback",)
    dependencies = DEPENDENCIES
    middleware = (open_to_every_origin,)

    @get(
        "/{path:path}",
        operation_id="get_media_playlist",
        summary="HLS media playlist",
        description="The playlist of one rendition with the address of every segment in full. The "
        "address comes from the manifest, which leads here where a CDN wants each one signed.",
        media_type=HLS,
        responses=refused_or("object_not_found"),
    )
    async def read(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        delivery: Deliverer,
        viewing: Opened,
        path: FromPath[str],
    ) -> Response[bytes]:
        name = _PATH.fullmatch(path)
        if name is None:
            raise NotFound("object_not_found", "There is no such playlist.")
        prefix = viewing.published_prefix()
        grant = viewing.grant(delivery, prefix)
        text = place_playlist(
            await read_text(store, f"{prefix}{path}"),
            lambda uri: grant.url(f"{name['folder']}/{uri}"),
        )
        return answer_document(request, viewing, grant, text, HLS)

    @route("/{path:path}", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask(self, playback_id: FromPath[str], path: FromPath[str]) -> Response[None]:  # noqa: ARG002  # of the path
        return preflight()
