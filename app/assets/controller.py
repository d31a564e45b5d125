"""Assets under /v1/assets."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.assets import queries, service
from app.assets.deletion import delete_asset
from app.assets.explain import explain
from app.assets.models import AssetState
from app.assets.names import clean_line, clean_text
from app.assets.queries import Filter
from app.assets.retry import retry_asset
from app.assets.schemas import (
    AssetDetail,
    AssetEdit,
    AssetSort,
    AssetView,
    Explanation,
    SourceLink,
)
from app.foundation.auth import requires
from app.foundation.clock import utc_now
from app.foundation.errors import Invalid
from app.foundation.http.documentation import documented
from app.foundation.http.etag import etag, require_match
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, IfMatch, Limit
from app.foundation.http.transaction import Config, Objects, Tx
from app.foundation.paging import LIMIT_DEFAULT, Page
from app.settings import Settings
from app.uploads.queries import filename_of

StateQuery = Annotated[
    AssetState | None,
    QueryParameter(
        name="state",
        required=False,
        description="Only assets in this state. Without it, all but those that were deleted.",
    ),
]
Search = Annotated[
    str | None,
    QueryParameter(
        name="q", required=False, max_length=200, description="Part of the title, in any case."
    ),
]
Sort = Annotated[
    AssetSort,
    QueryParameter(
        required=False,
        description="A minus sorts downwards. An unknown duration sorts before all others.",
    ),
]
Instant = Annotated[
    datetime | None,
    QueryParameter(required=False, description="RFC 3339; UTC where it names no zone."),
]


class AssetController(Controller):
    path = "/assets"
    tags = ("assets",)

    @get(
        guards=[requires("assets:read")],
        operation_id="list_assets",
        summary="List assets",
        description="Newest first where nothing else is asked for. A page costs the same however "
        "far down the list it is.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_assets(
        self,
        tx: Tx,
        settings: Config,
        asset_state: StateQuery = None,
        search: Search = None,
        created_after: Instant = None,
        created_before: Instant = None,
        sort: Sort = AssetSort.CREATED_DESC,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[AssetView]:
        which = Filter(
            state=asset_state,
            title=clean_line(search or "") or None,
            created_after=_with_zone(created_after),
            created_before=_with_zone(created_before),
        )
        return await queries.list_assets(
            tx, which, sort=sort, limit=limit, cursor=cursor, public_url=settings.public_url
        )

    @get(
        "/{asset_id:str}",
        guards=[requires("assets:read")],
        operation_id="get_asset",
        summary="Get an asset",
        description="With its renditions, images, playback ids and, while work goes on, how far "
        "it is. The ETag is that of the asset's own fields.",
        responses=documented({404: "asset_not_found", 410: "asset_deleted"}),
    )
    async def get_asset(
        self, tx: Tx, request: Request[Any, Any, Any], asset_id: FromPath[str]
    ) -> Response[AssetDetail]:
        # The most frequent request of all. Two dependencies that are needed at once would be
        # resolved in a task group, which costs a tenth of the whole request.
        settings: Settings = request.app.state.settings
        detail = await queries.get_detail(tx, asset_id, settings.public_url)
        return Response(detail, headers={"ETag": etag(detail.version)})

    @patch(
        "/{asset_id:str}",
        guards=[requires("assets:write")],
        operation_id="edit_asset",
        summary="Change title, description or tags",
        description="What is left out stays; tags are replaced as a whole.",
        responses=documented(
            {
                404: "asset_not_found",
                409: "asset_state",
                410: "asset_deleted",
                412: "precondition_failed",
                428: "precondition_required",
            }
        ),
    )
    async def edit_asset(
        self,
        tx: Tx,
        settings: Config,
        asset_id: FromPath[str],
        data: JSONBody[AssetEdit],
        if_match: IfMatch = None,
    ) -> Response[AssetDetail]:
        asset = await service.get_asset(tx, asset_id, lock=True)
        require_match(if_match, asset.version)
        if changes := _changes(data):
            await service.edit_asset(tx, asset_id, changes)
        detail = await queries.get_detail(tx, asset_id, settings.public_url)
        return Response(detail, headers={"ETag": etag(detail.version)})

    @delete(
        "/{asset_id:str}",
        status_code=202,
        guards=[requires("assets:write")],
        operation_id="delete_asset",
        summary="Delete an asset",
        description="It cannot be played from now on, and work on it stops. Its objects are "
        "removed by a task; a tombstone without content stays. Doing it again changes nothing.",
        responses=documented({404: "asset_not_found"}),
    )
    async def delete_asset(self, tx: Tx, asset_id: FromPath[str]) -> AssetView:
        return AssetView.of(await delete_asset(tx, asset_id), [])

    @post(
        "/{asset_id:str}/retry",
        status_code=202,
        guards=[requires("assets:write")],
        operation_id="retry_asset",
        summary="Try a failed asset again",
        description="A new job takes it up at the step that failed; the source is kept.",
        responses=documented({404: "asset_not_found", 409: "asset_state", 410: "asset_deleted"}),
    )
    @idempotent
    async def retry_asset(self, tx: Tx, settings: Config, asset_id: FromPath[str]) -> AssetDetail:
        await retry_asset(tx, asset_id)
        return await queries.get_detail(tx, asset_id, settings.public_url)

    @get(
        "/{asset_id:str}/explain",
        guards=[requires("assets:read")],
        operation_id="explain_asset",
        summary="Where a video is, and why",
        description="In plain words, and as data: what runs, what it waits for, which attempt it "
        "is, what went wrong last, and what a person can do.",
        responses=documented({404: "asset_not_found"}),
    )
    async def explain_asset(self, tx: Tx, asset_id: FromPath[str]) -> Explanation:
        return await explain(tx, asset_id)

    @get(
        "/{asset_id:str}/source",
        guards=[requires("assets:read")],
        operation_id="get_source",
        summary="Get a link to the uploaded file",
        description="Straight to the object store, for a while.",
        responses=documented({404: "asset_not_found", 409: "asset_state", 410: "asset_deleted"}),
    )
    async def get_source(
        self, tx: Tx, settings: Config, store: Objects, asset_id: FromPath[str]
    ) -> SourceLink:
        source = await service.load_source(tx, asset_id)
        filename = await filename_of(tx, asset_id)
        expires = timedelta(seconds=settings.signed_url_seconds)
        return SourceLink(
            url=store.sign_get(source.key, expires=expires, filename=filename),
            expires_at=utc_now() + expires,
            filename=filename,
            size_bytes=source.size_bytes,
        )


def _with_zone(instant: datetime | None) -> datetime | None:
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)


def _changes(edit: AssetEdit) -> dict[str, Any]:
    """The columns to set.

    Raises:
        Invalid: validation_failed; nothing is left of the title without what cannot be shown.
    """
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(edit).items()
        if value is not msgspec.UNSET
    }
    if "title" in changes:
        changes["title"] = clean_line(changes["title"])
        if not changes["title"]:
            raise Invalid("validation_failed", "The title shows nothing.", pointer="/title")
    if "description" in changes:
        changes["description"] = clean_text(changes["description"])
    return changes
