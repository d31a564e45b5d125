"""Deliveries for tests that need no database."""

from datetime import UTC, datetime
from typing import Any

from app.notifications.channels import Claimed, Delivery
from app.notifications.models import ChannelName, Event, Origin

MOMENT = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)


def delivery(
    event_id: str = "evt_1",
    *,
    type_: str = "asset.ready",
    data: dict[str, Any] | None = None,
    origin: Origin = Origin.WORKER,
    traceparent: str | None = None,
) -> Delivery:
    event = Event(
        id=event_id,
        project_id="prj_1",
        asset_id="ast_1",
        type=type_,
        data=data if data is not None else {"state": "ready"},
        correlation_id="cor_1",
        created_at=MOMENT,
    )
    row = Claimed(event_id, "prj_1", ChannelName.TOPIC, "", origin, "cor_1", traceparent, 1, MOMENT)
    return Delivery(row, event)
