"""What tus needs to know of an upload beside the upload's own row."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, ProjectOwned, Words


class Concat(StrEnum):
    """Its place in a concatenation, if it has one."""

    PARTIAL = "partial"
    FINAL = "final"


class TusUpload(ProjectOwned, Base):
    __tablename__ = "tus_uploads"
    __table_args__ = (Index("ix_tus_uploads_final_id", "final_id"),)

    upload_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True
    )
    length: Mapped[int | None] = mapped_column(BigInteger, comment="Null: not said yet.")
    received: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="The offset: so many bytes are durable."
    )
    part_etags: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default="{}", comment="Of the parts that hold whole part_bytes, or end."
    )
    tail_key: Mapped[str | None] = mapped_column(
        Text, comment="Object with the bytes between the last whole part and the offset."
    )
    metadata_header: Mapped[str] = mapped_column(Text, comment="Upload-Metadata as it was sent.")
    concat: Mapped[Concat | None] = mapped_column(Words(Concat), comment="partial or final")
    concat_header: Mapped[str | None] = mapped_column(Text, comment="Upload-Concat as it was sent.")
    partial_ids: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default="{}", comment="Of a final upload: what it is joined from."
    )
    final_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), comment="Of a partial upload: the final one that it went into."
    )
    fence: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="Number of the PATCH that may write."
    )
    lease_until: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="Until when that PATCH is taken to be alive."
    )
