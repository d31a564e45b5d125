"""What the API says and takes about what arrives beside it."""

from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from app.intake.models import Arrival, ArrivalState, IngestStream, StreamState
from app.jobs.schemas import Failure

ArrivalId = Annotated[str, Meta(examples=["arr_01m8dwr646exfr8pg0apwafmdy"])]


class ArrivalView(msgspec.Struct, kw_only=True, frozen=True):
    """An object that landed in a bucket."""

    id: ArrivalId
    bucket: str
    key: Annotated[str, Meta(examples=["incoming/prj_01m7y2sxfz/holiday.mov"])]
    version: Annotated[str, Meta(description="What tells it from others under its key.")]
    size_bytes: int
    state: ArrivalState
    upload_id: str | None
    asset_id: str | None
    error: Annotated[Failure | None, Meta(description="Why it was refused, or is not taken yet.")]
    created_at: datetime

    @classmethod
    def of(cls, row: Arrival, asset_id: str | None) -> Self:
        return cls(**_columns(cls, row), asset_id=asset_id)


class RetryArrivals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which refused objects are to be taken once more."""

    arrival_ids: Annotated[
        Annotated[list[ArrivalId], Meta(max_length=1000)] | None,
        Meta(description="Without it: all that were refused."),
    ] = None


class ArrivalsRetried(msgspec.Struct, frozen=True):
    retried: Annotated[int, Meta(description="Objects that are taken now.", examples=[2])]


class StreamView(msgspec.Struct, kw_only=True, frozen=True):
    """A video on its way through a data stream."""

    id: Annotated[str, Meta(examples=["str_01m8dwr646exfr8pg0apwafmdy"])]
    stream_id: Annotated[str, Meta(description="The producer's name for it.")]
    stream: Annotated[str, Meta(description="The data stream.")]
    consumer_group: str
    state: StreamState
    size_bytes: Annotated[int, Meta(description="That are durable.")]
    upload_id: str | None
    asset_id: str | None
    error: Annotated[Failure | None, Meta(description="Why it failed.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: IngestStream, asset_id: str | None) -> Self:
        return cls(**_columns(cls, row), asset_id=asset_id)


def _columns(view: type[ArrivalView | StreamView], row: Arrival | IngestStream) -> dict[str, Any]:
    """What the row tells of a view: all but the asset."""
    names = set(view.__struct_fields__) - {"asset_id", "error"}
    error = Failure(row.error_code, row.error_message or "") if row.error_code else None
    return {name: getattr(row, name) for name in names} | {"error": error}
