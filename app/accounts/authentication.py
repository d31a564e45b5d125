"""From what a request carries to who acts: access tokens by their signature, API keys by a row."""

import time
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.api_keys import PREFIX, key_hash
from app.accounts.models import ApiKey, Role
from app.accounts.roles import SCOPES_OF
from app.foundation.auth import SCOPES, Principal
from app.foundation.db.database import Database
from app.foundation.errors import Unauthenticated
from app.foundation.tokens import AccessTokens, Claims

# What was verified counts for so long: a revoked key still works here until then.
AUTHENTICATED_FOR = timedelta(seconds=5)
_LAST_USED_STEP = timedelta(minutes=1)
_REMEMBERED = 10_000

V = TypeVar("V")


class Credentials:
    """The API's authenticator.

    Args:
        database: Where keys are looked up, through the gate.
        tokens: Verifies access tokens.
    """

    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database = database
        self._tokens = tokens
        self._keys: _Recent[Principal | None] = _Recent()
        self._claims: _Recent[tuple[Claims, Principal]] = _Recent()

    async def authenticate(self, credential: str) -> Principal:
        """See `Authenticator`."""
        if credential.startswith(PREFIX):
            return await self._by_key(credential)
        return self._by_token(credential)

    def _by_token(self, token: str) -> Principal:
        known = self._claims.get(token)
        if known is not None and not self._tokens.expired(known[0]):
            return known[1]
        claims = self._tokens.verify(token)
        try:
            role = Role(claims.role)
        except ValueError as error:
            raise Unauthenticated("credentials_invalid", "The role is unknown.") from error
        principal = Principal(
            project_id=claims.prj, scopes=SCOPES_OF[role], user_id=claims.sub, role=role
        )
        self._claims.put(token, (claims, principal))
        return principal

    async def _by_key(self, key: str) -> Principal:
        digest = key_hash(key)
        principal = self._keys.get(digest)
        if principal is None and digest not in self._keys:
            async with self._database.gate() as gate:
                principal = await _principal_of_key(gate, digest)
            self._keys.put(digest, principal)
        if principal is None:
            raise Unauthenticated(
                "credentials_invalid", "The API key is unknown, expired or revoked."
            )
        return principal


async def _principal_of_key(gate: AsyncSession, digest: str) -> Principal | None:
    now = func.clock_timestamp()
    found = (
        await gate.execute(
            select(ApiKey.id, ApiKey.project_id, ApiKey.scopes, ApiKey.last_used_at, now).where(
                ApiKey.key_hash == digest,
                ApiKey.revoked_at.is_(None),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            )
        )
    ).first()
    if found is None:
        return None
    key_id, project_id, scopes, last_used_at, at = found
    if _is_due(last_used_at, at):
        await gate.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
    return Principal(project_id=project_id, scopes=frozenset(scopes) & SCOPES, api_key_id=key_id)


def _is_due(last_used_at: datetime | None, now: datetime) -> bool:
    return last_used_at is None or now - last_used_at > _LAST_USED_STEP


class _Recent(Generic[V]):
    """What was found out in the last seconds, up to so many things."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, V]] = {}

    def __contains__(self, name: str) -> bool:
        found = self._found.get(name)
        return found is not None and found[0] > time.monotonic()

    def get(self, name: str) -> V | None:
        found = self._found.get(name)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, name: str, value: V) -> None:
        # Emptied at once rather than kept in order of use: it refills within seconds.
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[name] = (time.monotonic() + AUTHENTICATED_FOR.total_seconds(), value)
