"""Answers kept for requests that are sent again with the same Idempotency-Key."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Json, ProjectOwned


class IdempotentAnswer(ProjectOwned, Base):
    __tablename__ = "idempotent_answers"
    __table_args__ = (Index("ix_idempotent_answers_expires_at", "expires_at"),)

    project_id: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[str] = mapped_column(Text, comment="SHA-256 of method, path and body.")
    status: Mapped[int] = mapped_column(Integer)
    content_type: Mapped[str] = mapped_column(Text)
    headers: Mapped[Json] = mapped_column(comment="What else the answer carried: ETag, Location.")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="Sealed: it may hold secrets.")
    created_at: Mapped[Created]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
