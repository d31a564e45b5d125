"""Organisations ▸ projects ▸ members, the people, and the keys of programs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Instant, ProjectOwned, Words


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class MailWish(StrEnum):
    """Of which videos somebody is sent mail when they are ready or have failed.

    OWN are those that the person uploaded, and for an owner of the project also those that nobody
    in it did, such as a program's.
    """

    OWN = "own"
    ALL = "all"
    NONE = "none"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (Index("uq_users_email_lower", text("lower(email)"), unique=True),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]


class Organisation(Base):
    __tablename__ = "organisations"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]


class Project(Base):
    __tablename__ = "projects"

    id: Mapped[Id]
    organisation_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("organisations.id"), index=True
    )
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer, server_default="1", comment="The ETag.")
    created_at: Mapped[Created]


class Member(ProjectOwned, Base):
    __tablename__ = "members"
    __table_args__ = (Index("ix_members_user_id", "user_id"),)

    # With the mixin's project_id this is the primary key: one role per person and project.
    project_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[Role] = mapped_column(Words(Role))
    mail: Mapped[MailWish] = mapped_column(Words(MailWish), server_default="own")
    created_at: Mapped[Created]


class RefreshToken(Base):
    """One link in the chain that a sign-in starts; using one twice ends the whole chain."""

    __tablename__ = "refresh_tokens"

    id: Mapped[Id]
    family_id: Mapped[str] = mapped_column(Text(collation="C"), index=True)
    user_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    project_id: Mapped[str | None] = mapped_column(Text(collation="C"))
    created_at: Mapped[Created]
    expires_at: Mapped[Instant]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ApiKey(ProjectOwned, Base):
    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_project_id_id", "project_id", "id"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text, comment="The key's first characters, to tell it by.")
    key_hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[Created]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
