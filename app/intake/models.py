"""How far data streams were read, and which objects of a bucket were taken."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, ProjectOwned, Words

_UPLOAD = "uploads.id"


class StreamState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    FAILED = "failed"


class ArrivalState(StrEnum):
    TAKING = "taking"
    TAKEN = "taken"
    REFUSED = "refused"


class StreamShard(ProjectOwned, Base):
    """A shard of a data stream as one consumer group reads it."""

    __tablename__ = "stream_shards"

    project_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    consumer_group: Mapped[str] = mapped_column(Text, primary_key=True)
    stream: Mapped[str] = mapped_column(Text, primary_key=True)
    shard_id: Mapped[str] = mapped_column(Text, primary_key=True)
    parents: Mapped[list[str]] = mapped_column(
        ARRAY(Text), comment="Shards that are read to their end before this one."
    )
    owner: Mapped[str | None] = mapped_column(Text)
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    checkpoint: Mapped[str | None] = mapped_column(
        Text, comment="Sequence number of Kinesis up to which all is durable."
    )
    finished_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="A closed shard was read to its end."
    )


class IngestStream(ProjectOwned, Base):
    """A video on its way through a data stream: what of it is durable, and where."""

    __tablename__ = "ingest_streams"
    __table_args__ = (
        Index(
            "uq_ingest_streams_stream_id",
            "project_id",
            "consumer_group",
            "stream",
            "stream_id",
            unique=True,
        ),
        Index("ix_ingest_streams_upload_id", "upload_id"),
        Index("ix_ingest_streams_project_id_id", "project_id", "id"),
    )

    id: Mapped[Id]
    consumer_group: Mapped[str] = mapped_column(Text)
    stream: Mapped[str] = mapped_column(Text, comment="The Kinesis data stream.")
    stream_id: Mapped[str] = mapped_column(Text, comment="The producer's name: partition key.")
    upload_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey(_UPLOAD, ondelete="CASCADE"), comment="None: never begun."
    )
    state: Mapped[StreamState] = mapped_column(Words(StreamState))
    next_seq: Mapped[int] = mapped_column(
        BigInteger, comment="Records before this one are durable."
    )
    size_bytes: Mapped[int] = mapped_column(BigInteger, comment="In parts and chunks together.")
    parts: Mapped[int] = mapped_column(Integer, comment="Stored in the multipart upload.")
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class StreamChunk(ProjectOwned, Base):
    """Bytes that are durable and do not fill a part of the multipart upload yet."""

    __tablename__ = "stream_chunks"

    ingest_stream_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("ingest_streams.id", ondelete="CASCADE"), primary_key=True
    )
    offset: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Arrival(ProjectOwned, Base):
    """An object that landed in a bucket, once however often it was announced."""

    __tablename__ = "arrivals"
    __table_args__ = (
        Index("uq_arrivals_bucket_key_version", "bucket", "key", "version", unique=True),
        Index("ix_arrivals_upload_id", "upload_id"),
        Index("ix_arrivals_project_id_id", "project_id", "id"),
        Index("ix_arrivals_taking", "id", postgresql_where="state = 'taking'"),
    )

    id: Mapped[Id]
    bucket: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(
        Text, comment="Version id, sequencer or ETag: what tells one object from the next."
    )
    version_id: Mapped[str | None] = mapped_column(
        Text, comment="To read it by; none where the bucket keeps no versions."
    )
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[ArrivalState] = mapped_column(Words(ArrivalState))
    upload_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey(_UPLOAD, ondelete="CASCADE")
    )
    fence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
