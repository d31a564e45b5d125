"""An upload: bytes on their way to become an asset's source."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Instant, ProjectOwned, Words


class UploadState(StrEnum):
    WAITING = "waiting"
    UPLOADING = "uploading"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Upload(ProjectOwned, Base):
    __tablename__ = "uploads"
    __table_args__ = (
        Index("ix_uploads_project_id_id", "project_id", "id"),
        Index(
            "ix_uploads_deadline_at_open",
            "deadline_at",
            postgresql_where="state IN ('waiting', 'uploading', 'verifying')",
        ),
    )

    id: Mapped[Id]
    asset_id: Mapped[str | None] = mapped_column(
        Text(collation="C"),
        ForeignKey("assets.id", ondelete="CASCADE"),
        unique=True,
        comment="Null: a partial upload, a piece of another one.",
    )
    state: Mapped[UploadState] = mapped_column(Words(UploadState))
    method: Mapped[str] = mapped_column(Text, comment="parts, simple or tus")
    filename: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="As announced; as found, later.")
    part_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str | None] = mapped_column(Text, comment="Announced by the client, hex.")
    object_key: Mapped[str] = mapped_column(Text)
    store_upload_id: Mapped[str | None] = mapped_column(Text)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    deadline_at: Mapped[Instant]
    traceparent: Mapped[str | None] = mapped_column(
        Text, comment="Of the request that began it, W3C Trace Context."
    )
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
