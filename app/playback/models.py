"""Playback ids: public names of assets, apart from the assets' own ids."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, ProjectOwned, Words


class PlaybackPolicy(StrEnum):
    PUBLIC = "public"
    SIGNED = "signed"


class PlaybackId(ProjectOwned, Base):
    __tablename__ = "playback_ids"
    __table_args__ = (Index("ix_playback_ids_asset_id", "asset_id"),)

    id: Mapped[Id]
    asset_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("assets.id", ondelete="CASCADE")
    )
    policy: Mapped[PlaybackPolicy] = mapped_column(Words(PlaybackPolicy))
    created_at: Mapped[Created]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
