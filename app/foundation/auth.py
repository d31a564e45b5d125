"""Who acts, and what they may do. No word here about how a credential is checked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from app.foundation.errors import Forbidden, Unauthenticated

SCOPES = frozenset(
    {
        "assets:read",
        "assets:write",
        "uploads:write",
        "jobs:read",
        "jobs:write",
        "playback:write",
        "keys:read",
        "keys:write",
        "members:read",
        "members:write",
        "project:write",
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person's session or a program's key, acting in one project."""

    project_id: str
    scopes: frozenset[str]
    user_id: str | None = None
    api_key_id: str | None = None
    role: str | None = None

    def require(self, scope: str) -> None:
        """Lets through whoever has the scope.

        Raises:
            Forbidden: `scope_missing`.
        """
        if scope not in self.scopes:
            raise Forbidden(
                "scope_missing",
                f"This needs the scope {scope}, which these credentials do not have.",
                extra={"scope": scope},
            )


class Authenticator(Protocol):
    """Turns what a request carries into a principal."""

    async def authenticate(self, credential: str) -> Principal:
        """Whom the credential stands for.

        Args:
            credential: An access token or an API key, without the word Bearer.

        Raises:
            Unauthenticated: `credentials_invalid` or `token_expired`.
        """
        ...


class _Connection(Protocol):
    """The part of a request that a guard looks at; Litestar's connections have it."""

    @property
    def scope(self) -> Any: ...
    @property
    def headers(self) -> Any: ...
    @property
    def app(self) -> Any: ...


def requires(*scopes: str) -> Callable[[Any, Any], Awaitable[None]]:
    """A guard for handlers: `guards=[requires("assets:read")]`.

    Without a scope it asks for valid credentials only. A handler without this guard is public.
    """
    unknown = set(scopes) - SCOPES
    if unknown:
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")

    async def guard(connection: _Connection, _handler: object) -> None:
        authenticator: Authenticator = connection.app.state.authenticator
        principal = await authenticator.authenticate(_credential(connection.headers))
        connection.scope["user"] = principal
        for scope in scopes:
            principal.require(scope)

    guard.__name__ = f"requires({', '.join(scopes)})"
    # For the OpenAPI page and for the test that walks all routes.
    guard.scopes = scopes  # type: ignore[attr-defined]  # functions carry attributes
    return guard


def _credential(headers: Any) -> str:
    authorization: str = headers.get("authorization", "")
    scheme, _, credential = authorization.partition(" ")
    if credential and scheme.lower() == "bearer":
        return credential.strip()
    key: str = headers.get("x-api-key", "")
    if key:
        return key
    raise Unauthenticated(
        "credentials_missing",
        "Send an access token or an API key as `Authorization: Bearer …`.",
        headers={"WWW-Authenticate": "Bearer"},
    )
