"""Domain events: what happened, in the order it happened, and what of it has to leave."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Json, ProjectOwned, Words


class ChannelName(StrEnum):
    """A way out of the system."""

    TOPIC = "topic"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Origin(StrEnum):
    """Which kind of process an event began in."""

    API = "api"
    WORKER = "worker"


class DeliveryState(StrEnum):
    """Where an event is on its way to one target."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


class Event(ProjectOwned, Base):
    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_project_id_id", "project_id", "id"),
        Index("ix_events_asset_id_id", "asset_id", "id"),
    )

    id: Mapped[Id]
    asset_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    type: Mapped[str] = mapped_column(Text, comment="noun.verb, e.g. asset.ready")
    data: Mapped[Json]
    correlation_id: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]


class OutboxRow(ProjectOwned, Base):
    """An event that has to leave by one channel, to one target. It holds ids and nothing to read.

    Open until it is done or dead. `next_at` lies ahead while a relay has it in hand, and while it
    waits for its next attempt.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_channel_next_at_open",
            "channel",
            "next_at",
            postgresql_where="done_at IS NULL AND dead_at IS NULL",
        ),
        # Whether something of the same asset has to go first.
        Index(
            "ix_outbox_asset_id_channel_target_event_id_open",
            "asset_id",
            "channel",
            "target",
            "event_id",
            postgresql_where="done_at IS NULL AND dead_at IS NULL",
        ),
        Index("ix_outbox_done_at", "done_at", postgresql_where="done_at IS NOT NULL"),
        Index("ix_outbox_dead", "project_id", "event_id", postgresql_where="dead_at IS NOT NULL"),
    )

    event_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("events.id", ondelete="CASCADE"), primary_key=True
    )
    channel: Mapped[ChannelName] = mapped_column(Words(ChannelName), primary_key=True)
    target: Mapped[str] = mapped_column(
        Text(collation="C"),
        primary_key=True,
        comment="Whose: a user's id for mail; empty where a channel leads to one place.",
    )
    asset_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    origin: Mapped[Origin] = mapped_column(Words(Origin))
    correlation_id: Mapped[str] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("clock_timestamp()")
    )
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    dead_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def state(self) -> DeliveryState:
        if self.done_at is not None:
            return DeliveryState.SENT
        return DeliveryState.WAITING if self.dead_at is None else DeliveryState.DEAD
