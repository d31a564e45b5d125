"""Parameters that many handlers share, with their words in the OpenAPI document."""

from typing import Annotated

from litestar.params import HeaderParameter, QueryParameter

from app.foundation.paging import LIMIT_DEFAULT, LIMIT_MAX

Limit = Annotated[
    int,
    QueryParameter(
        ge=1, le=LIMIT_MAX, description=f"Items per page, {LIMIT_DEFAULT} where it is left out."
    ),
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=2048,
        required=False,
        description="`next_cursor` of the page before, with the same sort and filters.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        required=False,
        description="The ETag of the version that the change was made on, or `*`.",
    ),
]
LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        required=False,
        description="The id of the last event received: what came after it is sent first.",
    ),
]
