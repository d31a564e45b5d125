"""What arrived beside the API, under /v1."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, Limit
from app.foundation.http.transaction import Tx
from app.foundation.paging import LIMIT_DEFAULT, Page
from app.intake import arrivals, queries
from app.intake.models import ArrivalState, StreamState
from app.intake.schemas import ArrivalsRetried, ArrivalView, RetryArrivals, StreamView

_IN_STATE = QueryParameter(name="state", required=False, description="Only those in this state.")


class ArrivalController(Controller):
    path = "/arrivals"
    tags = ("intake",)

    @get(
        guards=[requires("assets:read")],
        operation_id="list_arrivals",
        summary="List objects that landed in a bucket",
        description="With what became of each, and why one was refused. Newest first.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_arrivals(
        self,
        tx: Tx,
        arrival_state: Annotated[ArrivalState | None, _IN_STATE] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[ArrivalView]:
        return await queries.list_arrivals(tx, state=arrival_state, limit=limit, cursor=cursor)

    @post(
        "/retry",
        status_code=202,
        guards=[requires("uploads:write")],
        operation_id="retry_arrivals",
        summary="Take refused objects once more",
        description="All of them, or those named, each as a new asset.",
        responses=documented({422: "validation_failed"}),
    )
    @idempotent
    async def retry_arrivals(
        self, tx: Tx, data: JSONBody[RetryArrivals | None] = None
    ) -> ArrivalsRetried:
        return ArrivalsRetried(await arrivals.retry(tx, data.arrival_ids if data else None))


class StreamController(Controller):
    path = "/streams"
    tags = ("intake",)

    @get(
        guards=[requires("assets:read")],
        operation_id="list_streams",
        summary="List videos in data streams",
        description="With how far each has come, and why one failed: that one is sent again from "
        "its beginning, under a new stream id. Newest first.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_streams(
        self,
        tx: Tx,
        stream_state: Annotated[StreamState | None, _IN_STATE] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[StreamView]:
        return await queries.list_streams(tx, state=stream_state, limit=limit, cursor=cursor)
