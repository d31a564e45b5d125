"""Manifests at the root: `/<playback id>.m3u8` and `.mpd`."""

import re
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, route
from litestar.enums import HttpMethod
from litestar.params import PathParameter

from app.foundation.errors import NotFound
from app.foundation.http.transaction import Objects
from app.foundation.storage.protocols import ObjectStore
from app.playback.cors import open_to_every_origin, preflight
from app.playback.delivery import Grant
from app.playback.dependencies import (
    DEPENDENCIES,
    CookiesQuery,
    Deliverer,
    Opener,
    TokenQuery,
    refused_or,
)
from app.playback.documents import answer_document
from app.playback.manifests import DASH, HLS, place_mpd, place_playlist
from app.playback.objects import read_text
from app.playback.viewing import Viewing

_NAME = re.compile(r"(?P<playback_id>[0-9a-z]{1,64})\.(?P<kind>m3u8|mpd)")
# No pattern: what does not fit is a path that is not there, not a faulty request.
ManifestName = Annotated[
    str, PathParameter(description="The playback id with `.m3u8` for HLS or `.mpd` for DASH.")
]


class ManifestController(Controller):
    tags = ("playback",)
    dependencies = DEPENDENCIES
    middleware = (open_to_every_origin,)

    @get(
        "/{manifest:str}",
        operation_id="get_manifest",
        summary="HLS or DASH manifest",
        description="What a player is given. Its media addresses carry a grant that ends with the "
        "token of a signed playback id, and after some hours for a public one. Both manifests lead "
        "to the same CMAF segments.",
        media_type=HLS,
        responses=refused_or("not_found"),
    )
    async def read(
        self,
        request: Request[Any, Any, Any],
        store: Objects,
        delivery: Deliverer,
        viewings: Opener,
        manifest: ManifestName,
        token: TokenQuery = None,
        with_cookies: CookiesQuery = False,
    ) -> Response[bytes]:
        name = _NAME.fullmatch(manifest)
        if name is None:
            raise NotFound("not_found", "No such path. The API's pages are at /docs.")
        viewing = await viewings.open(name["playback_id"], token)
        prefix = viewing.published_prefix()
        grant = viewing.grant(delivery, prefix, cookies=with_cookies)
        body = await _manifest(store, viewing, prefix, grant, name["kind"])
        media_type = HLS if name["kind"] == "m3u8" else DASH
        return answer_document(request, viewing, grant, body, media_type)

    @route("/{manifest:str}", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask(self, manifest: ManifestName) -> Response[None]:  # noqa: ARG002  # of the path
        return preflight()


async def _manifest(
    store: ObjectStore, viewing: Viewing, prefix: str, grant: Grant, kind: str
) -> str:
    if kind == "mpd":
        return place_mpd(await read_text(store, f"{prefix}/manifest.mpd"), grant)

    def place(path: str) -> str:
        # What a multivariant playlist leads to are playlists.
        return grant.url(path) if grant.carries_over else viewing.playlist_path(path)

    return place_playlist(await read_text(store, f"{prefix}/master.m3u8"), place)
