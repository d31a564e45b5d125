"""Events as they happen, and what of them has to leave, under /v1."""

from functools import partial
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from app.assets.service import get_asset
from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, LastEventId, Limit
from app.foundation.http.transaction import Db, Me, Tx
from app.foundation.paging import LIMIT_DEFAULT, Page
from app.notifications import deliveries
from app.notifications.listener import EventListener
from app.notifications.models import DeliveryState
from app.notifications.schemas import DeliveryView, Redeliver, Redelivered
from app.notifications.stream import EventStream, check_event_id

Events = NamedDependency[EventListener]
StateQuery = Annotated[
    DeliveryState | None,
    QueryParameter(name="state", required=False, description="Only those in this state."),
]
_READ = requires("assets:read")
_KINDS = (
    "Types are `asset.created`, `.ingesting`, `.processing`, `.ready`, `.failed`, `.updated`, "
    "`.deleting`, `.deleted`, and `task.progress`, which has no id and is not sent again. With "
    "Last-Event-ID, what came after that event is sent first. A comment every 15 s keeps the "
    "connection open; the stream ends when the credentials do."
)


def provide_listener(request: Request[Any, Any, Any]) -> EventListener:
    listener: EventListener = request.app.state.listener
    return listener


class EventController(Controller):
    tags = ("events",)
    dependencies = {"listener": Provide(provide_listener, sync_to_thread=False)}  # noqa: RUF012  # Litestar reads it so
    response_headers = (
        ResponseHeader(name="Cache-Control", value="no-store"),
        # nginx would hold events back to fill its buffer.
        ResponseHeader(name="X-Accel-Buffering", value="no"),
    )

    @get(
        "/events",
        guards=[_READ],
        operation_id="stream_events",
        summary="Follow a project's events",
        description=f"Server-sent events of all assets. {_KINDS}",
        media_type="text/event-stream",
        responses=documented({422: "validation_failed"}),
    )
    async def of_project(
        self,
        request: Request[Any, Any, Any],
        principal: Me,
        database: Db,
        listener: Events,
        last_event_id: LastEventId = None,
    ) -> Stream:
        return _stream(request, database, listener, principal.project_id, None, last_event_id)

    @get(
        "/assets/{asset_id:str}/events",
        guards=[_READ],
        operation_id="stream_asset_events",
        summary="Follow an asset's events",
        description=f"Server-sent events of one asset, with the progress of its tasks. {_KINDS}",
        media_type="text/event-stream",
        responses=documented(
            {404: "asset_not_found", 410: "asset_deleted", 422: "validation_failed"}
        ),
    )
    async def of_asset(
        self,
        request: Request[Any, Any, Any],
        principal: Me,
        database: Db,
        listener: Events,
        asset_id: FromPath[str],
        last_event_id: LastEventId = None,
    ) -> Stream:
        # A transaction of its own: the stream outlives any.
        async with database.project(principal.project_id) as tx:
            await get_asset(tx, asset_id)
        return _stream(request, database, listener, principal.project_id, asset_id, last_event_id)


class DeliveryController(Controller):
    path = "/events/deliveries"
    tags = ("events",)

    @get(
        guards=[requires("jobs:read")],
        operation_id="list_deliveries",
        summary="List what leaves the system",
        description="Events to a topic and mail to people, each delivery with how far it is and "
        "why it failed. Newest first. What was sent is listed for a day, what was given up "
        "(`dead`) until it is sent again.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_deliveries(
        self,
        tx: Tx,
        delivery_state: StateQuery = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        return await deliveries.list_deliveries(
            tx, state=delivery_state, limit=limit, cursor=cursor
        )

    @post(
        "/redeliver",
        status_code=202,
        guards=[requires("jobs:write")],
        operation_id="redeliver",
        summary="Send again what was given up",
        description="All of it, or that of the events named, with all attempts before it. "
        "Receivers get the same event id; what came after it may have been there before.",
        responses=documented({422: "validation_failed"}),
    )
    @idempotent
    async def redeliver(self, tx: Tx, data: JSONBody[Redeliver | None] = None) -> Redelivered:
        return Redelivered(await deliveries.redeliver(tx, data.event_ids if data else None))


def _stream(
    request: Request[Any, Any, Any],
    database: Db,
    listener: EventListener,
    project_id: str,
    asset_id: str | None,
    last_event_id: str | None,
) -> Stream:
    events = EventStream(
        database,
        listener,
        project_id=project_id,
        asset_id=asset_id,
        after=None if last_event_id is None else check_event_id(last_event_id),
        still_allowed=partial(_READ, request, None),
    )
    return Stream(events.run(), media_type="text/event-stream")
