"""What every table shares: names of constraints, column types, time by the database's clock."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from sqlalchemy import DateTime, Dialect, ForeignKey, MetaData, Text, TypeDecorator, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

Word = TypeVar("Word", bound=StrEnum)


class Words(TypeDecorator[Word], Generic[Word]):
    """A text column whose values are the words of an enum, and come back as such."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Word | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else self.words(value)


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
