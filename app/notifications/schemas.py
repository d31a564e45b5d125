"""What the API says and takes about deliveries."""

from datetime import datetime
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from app.notifications.models import ChannelName, DeliveryState, OutboxRow

EventId = Annotated[str, Meta(examples=["evt_01m8dwr646exfr8pg0apwafmdy"])]


class DeliveryView(msgspec.Struct, kw_only=True, frozen=True):
    """An event on its way out, to one target."""

    event_id: EventId
    type: Annotated[str, Meta(description="Of the event.", examples=["asset.ready"])]
    asset_id: str | None
    channel: ChannelName
    target: Annotated[
        str, Meta(description="Of mail the person's id; empty where a channel has one place.")
    ]
    state: DeliveryState
    attempts: Annotated[int, Meta(examples=[1])]
    error: Annotated[str | None, Meta(description="Of the last attempt, if it failed.")]
    next_at: Annotated[datetime | None, Meta(description="Next attempt, while it waits.")]
    correlation_id: Annotated[str, Meta(description="Finds it in logs and traces.")]
    created_at: datetime
    finished_at: Annotated[datetime | None, Meta(description="When it was sent, or given up.")]

    @classmethod
    def of(cls, row: OutboxRow, type_: str) -> Self:
        """Args: `type_`, of its event."""
        return cls(
            event_id=row.event_id,
            type=type_,
            asset_id=row.asset_id,
            channel=row.channel,
            target=row.target,
            state=row.state,
            attempts=row.attempts,
            error=row.last_error,
            next_at=row.next_at if row.state is DeliveryState.WAITING else None,
            correlation_id=row.correlation_id,
            created_at=row.created_at,
            finished_at=row.done_at or row.dead_at,
        )


class Redeliver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events are to be sent again."""

    event_ids: Annotated[
        Annotated[list[EventId], Meta(max_length=1000)] | None,
        Meta(description="Without it: all whose delivery was given up."),
    ] = None


class Redelivered(msgspec.Struct, frozen=True):
    redelivered: Annotated[int, Meta(description="Deliveries that wait again.", examples=[3])]
