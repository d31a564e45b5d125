"""A domain event as other systems get it. Described in docs/events.md."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from app.notifications.channels import Delivery

VERSION = 1
# Of SNS and SQS, for a message with its attributes and for a batch of them.
MAX_BYTES = 256 * 1024


class EventMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a message.

    Args:
        id: The event's; a message that comes again has the same.
        version: Of this schema. Members may be added to it; a new number means that some changed.
        occurred_at: By the database's clock.
        origin: `api` or `worker`: where it began.
        data_omitted: The data did not fit; ask the API for the asset.
    """

    id: str
    type: str
    version: int
    project_id: str
    asset_id: str | None
    data: Mapping[str, Any]
    occurred_at: datetime
    correlation_id: str
    origin: str
    data_omitted: bool = False


def message_of(delivery: Delivery) -> EventMessage:
    event, row = delivery.event, delivery.row
    return EventMessage(
        id=event.id,
        type=event.type,
        version=VERSION,
        project_id=event.project_id,
        asset_id=event.asset_id,
        data=event.data,
        occurred_at=event.created_at,
        correlation_id=row.correlation_id,
        origin=row.origin.value,
    )


def encode(message: EventMessage, *, room: int = MAX_BYTES) -> bytes:
    """JSON of at most `room` bytes, without the data where it would be more."""
    body = msgspec.json.encode(message)
    if len(body) > room:
        body = msgspec.json.encode(msgspec.structs.replace(message, data={}, data_omitted=True))
    return body
