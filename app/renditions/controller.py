"""What was made of an asset, under /v1/assets/{asset_id}."""

from datetime import timedelta
from typing import Annotated

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from app.assets.service import get_asset
from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Config, Objects, Tx
from app.renditions import service
from app.renditions.models import ImageKind
from app.renditions.schemas import ImageLink, ImageList, RenditionDetail, RenditionList

KindQuery = Annotated[
    ImageKind | None,
    QueryParameter(name="kind", required=False, description="Only images of this kind."),
]
_ABSENT = documented({404: "asset_not_found", 410: "asset_deleted"})


class RenditionController(Controller):
    path = "/assets/{asset_id:str}"
    tags = ("renditions",)

    @get(
        "/renditions",
        guards=[requires("assets:read")],
        operation_id="list_renditions",
        summary="List an asset's renditions",
        description="From the highest down, then the sound; empty until the asset is ready.",
        responses=_ABSENT,
    )
    async def list_renditions(self, tx: Tx, asset_id: FromPath[str]) -> RenditionList:
        await get_asset(tx, asset_id)
        rows = await service.list_renditions(tx, asset_id)
        return RenditionList([RenditionDetail.of(row) for row in rows])

    @get(
        "/images",
        guards=[requires("assets:read")],
        operation_id="list_images",
        summary="List an asset's images",
        description="Poster, storyboard and up to 100 thumbnails, evenly spaced and in the order "
        "of their times, each with a link that opens it for a while.",
        responses=_ABSENT,
    )
    async def list_images(
        self,
        tx: Tx,
        settings: Config,
        store: Objects,
        asset_id: FromPath[str],
        kind: KindQuery = None,
    ) -> ImageList:
        await get_asset(tx, asset_id)
        expires = timedelta(seconds=settings.signed_url_seconds)
        rows = await service.list_images(tx, asset_id, kind)
        return ImageList(
            [ImageLink.of(row, store.sign_get(row.object_key, expires=expires)) for row in rows]
        )
