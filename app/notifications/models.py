"""Domain events: what happened, in the order it happened, kept with the rows it happened to."""

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Json, ProjectOwned


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
