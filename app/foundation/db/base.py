"""What every table shares: names of constraints, column types, time by the database's clock."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import DateTime, ForeignKey, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

# Ids compare byte by byte, so that the index's order is the order of time.
Id = Annotated[str, mapped_column(Text(collation="C"), primary_key=True)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[
    datetime, mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ProjectOwned:
    """A row of a project: row-level security shows it to its own project only."""

    @declared_attr
    def project_id(cls) -> Mapped[str]:  # noqa: N805  # declared_attr works on the class
        return mapped_column(Text(collation="C"), ForeignKey("projects.id", ondelete="CASCADE"))
