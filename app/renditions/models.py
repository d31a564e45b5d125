"""What was made of an asset: renditions and images. A row here is visible, so it is published."""

from enum import StrEnum

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Json, ProjectOwned


class ImageKind(StrEnum):
    POSTER = "poster"
    STORYBOARD = "storyboard"
    STORYBOARD_INDEX = "storyboard_index"
    THUMBNAIL = "thumbnail"


class Rendition(ProjectOwned, Base):
    __tablename__ = "renditions"
    __table_args__ = (Index("uq_renditions_asset_id_name", "asset_id", "name", unique=True),)

    id: Mapped[Id]
    asset_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("assets.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(Text, comment="Its folder under the asset's media prefix.")
    kind: Mapped[str] = mapped_column(Text, comment="video or audio")
    codecs: Mapped[str] = mapped_column(Text, comment="RFC 6381")
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    frame_rate: Mapped[float | None] = mapped_column(Double)
    bandwidth: Mapped[int] = mapped_column(Integer, comment="Peak, bits per second.")
    average_bandwidth: Mapped[int] = mapped_column(Integer)
    segment_count: Mapped[int] = mapped_column(Integer)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    copied: Mapped[bool] = mapped_column(comment="Remuxed from the source, not encoded.")
    conformance: Mapped[Json]
    created_at: Mapped[Created]


class Image(ProjectOwned, Base):
    __tablename__ = "images"
    __table_args__ = (Index("ix_images_asset_id_time_ms", "asset_id", "time_ms"),)

    id: Mapped[Id]
    asset_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("assets.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(
        Text, comment="poster, storyboard, storyboard_index or thumbnail"
    )
    object_key: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    time_ms: Mapped[int | None] = mapped_column(BigInteger)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[Created]
