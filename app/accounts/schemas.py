"""What the accounts' routes take and give."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from app.accounts.members import Membership
from app.accounts.models import ApiKey, MailWish, Project, Role, User

Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s\x00]+@[^@\s\x00]+$(?!\n)",
        max_length=254,
        description="The e-mail address; upper and lower case are the same.",
        examples=["ada@example.org"],
    ),
]
Password = Annotated[
    str,
    Meta(
        min_length=10,
        max_length=1024,
        description="10 to 1024 characters, any of them.",
        examples=["a long sentence nobody else says"],
    ),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
        examples=["Holidays"],
    ),
]
RefreshTokenText = Annotated[
    str,
    Meta(max_length=200, description="Of the last sign-in or refresh.", examples=["spoolrt_8h3k…"]),
]
ProjectIdText = Annotated[
    str, Meta(max_length=64, description="A project's id.", examples=["prj_06b2m0tq7x"])
]


class Registration(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new account."""

    email: Email
    password: Password
    name: Annotated[Name, Meta(description="What others see.", examples=["Ada"])]
    organisation: (
        Annotated[Name, Meta(description="Whose projects these will be. Default: the name.")] | None
    ) = None
    project: Annotated[Name, Meta(description="Name of the first project.")] = "First project"


class SignIn(Struct, kw_only=True, forbid_unknown_fields=True):
    email: Email
    # Not checked against today's rules: it may be older than they are.
    password: Annotated[str, Meta(max_length=1024, examples=["a long sentence nobody else says"])]
    project_id: ProjectIdText | None = None


class Refresh(Struct, kw_only=True, forbid_unknown_fields=True):
    refresh_token: RefreshTokenText
    project_id: ProjectIdText | None = None


class SignOut(Struct, kw_only=True, forbid_unknown_fields=True):
    refresh_token: RefreshTokenText


class UserView(Struct):
    id: str
    email: str
    name: str

    @classmethod
    def of(cls, user: User) -> "UserView":
        return cls(user.id, user.email, user.name)


class ProjectView(Struct):
    """A project: the wall between what belongs to different people."""

    id: str
    organisation_id: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> "ProjectView":
        return cls(project.id, project.organisation_id, project.name, project.created_at)


class SessionView(Struct):
    """Tokens of a person in a project."""

    access_token: Annotated[
        str, Meta(description="Send as `Authorization: Bearer …`.", examples=["eyJhbGciOi…"])
    ]
    expires_in: Annotated[int, Meta(description="Of the access token, in seconds.", examples=[900])]
    refresh_token: RefreshTokenText
    user: UserView
    project: ProjectView
    role: Role
    token_type: str = "Bearer"  # noqa: S105  # a word of OAuth 2 (RFC 6750)


class Whoami(Struct):
    """Whom the credentials stand for."""

    project: ProjectView
    scopes: list[str]
    role: Role | None
    user_id: str | None
    api_key_id: str | None


class NewProject(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name


class MemberView(Struct):
    user_id: str
    email: str
    name: str
    role: Role
    mail: Annotated[
        MailWish,
        Meta(
            description="Of which videos they are sent mail: own are those they uploaded, and for "
            "an owner those that no member did."
        ),
    ]
    created_at: datetime

    @classmethod
    def of(cls, member: Membership) -> "MemberView":
        return cls(
            member.user_id, member.email, member.name, member.role, member.mail, member.created_at
        )


class NewMember(Struct, kw_only=True, forbid_unknown_fields=True):
    email: Email
    role: Role


class NewMailWish(Struct, kw_only=True, forbid_unknown_fields=True):
    mail: MailWish


class NewRole(Struct, kw_only=True, forbid_unknown_fields=True):
    role: Role


class NewApiKey(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[Name, Meta(description="To tell it by.", examples=["nightly import"])]
    scopes: Annotated[
        list[str],
        Meta(
            min_length=1,
            max_length=50,
            description="What it may do; no more than its maker may.",
            examples=[["assets:read", "uploads:write"]],
        ),
    ]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class KeyRotation(Struct, kw_only=True, forbid_unknown_fields=True):
    overlap_seconds: Annotated[
        int,
        Meta(ge=0, le=7 * 86400, description="How long the old key stays valid.", examples=[3600]),
    ] = 0


class ApiKeyView(Struct, kw_only=True):
    id: str
    name: str
    hint: Annotated[str, Meta(description="How the key begins.", examples=["spool_8h3k"])]
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="To the minute.")]
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyView":
        return cls(**{name: getattr(key, name) for name in ApiKeyView.__struct_fields__})


class CreatedApiKey(ApiKeyView, kw_only=True):
    """A key with its text, which is shown this once."""

    key: Annotated[str, Meta(description="Keep it; nobody can show it again.")]
