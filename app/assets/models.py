"""An asset: one video, from its first byte to its tombstone."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Computed, DateTime, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Json, ProjectOwned, Words


class AssetState(StrEnum):
    CREATED = "created"
    INGESTING = "ingesting"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"


class Asset(ProjectOwned, Base):
    __tablename__ = "assets"
    __table_args__ = (
        # One per order of the list; each page is a range of its index.
        Index("ix_assets_project_id_created_at_id", "project_id", "created_at", "id"),
        Index(
            "ix_assets_project_id_state_created_at_id", "project_id", "state", "created_at", "id"
        ),
        Index("ix_assets_project_id_title_order_id", "project_id", "title_order", "id"),
        Index("ix_assets_project_id_duration_order_id", "project_id", "duration_order", "id"),
        Index(
            "ix_assets_deadline_at_open",
            "deadline_at",
            postgresql_where="deadline_at IS NOT NULL",
        ),
    )

    id: Mapped[Id]
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    tags: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    created_by: Mapped[str | None] = mapped_column(
        Text(collation="C"),
        comment="Id of the person who uploaded it, who may be gone; none where a program did.",
    )
    state: Mapped[AssetState] = mapped_column(Words(AssetState))
    version: Mapped[int] = mapped_column(Integer, server_default="1", comment="The ETag.")
    source_key: Mapped[str | None] = mapped_column(Text)
    source_bytes: Mapped[int | None] = mapped_column(BigInteger)
    source_sha256: Mapped[str | None] = mapped_column(Text)
    media_prefix: Mapped[str | None] = mapped_column(
        Text, comment="Under it lies what was published; set by the publishing transaction."
    )
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    verdict: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="What the probe found: tracks, and notes on what is unusual."
    )
    # What the list is sorted by. Under row-level security an index condition may call nothing that
    # could leak (pg_proc.proleakproof), and lower() could: so the comparison is with a column.
    title_order: Mapped[str] = mapped_column(Text, Computed("lower(title)", persisted=True))
    duration_order: Mapped[int] = mapped_column(
        BigInteger,
        Computed("COALESCE(duration_ms, '-1'::integer)", persisted=True),
        comment="An unknown duration sorts before all others.",
    )
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    updated_at: Mapped[Created]
    deadline_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="When this state is overdue; none in final states."
    )
    playable_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ready_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
