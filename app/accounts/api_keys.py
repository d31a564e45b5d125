"""API keys: shown once, stored as SHA-256. They have 200 random bits, so a fast hash will do."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import ApiKey
from app.foundation.auth import SCOPES, Principal
from app.foundation.db.ids import new_id, random_id
from app.foundation.errors import Forbidden, Invalid, NotFound
from app.foundation.paging import fetch_page

PREFIX = "spool_"


def key_hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def create_key(
    tx: AsyncSession,
    principal: Principal,
    *,
    name: str,
    scopes: frozenset[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """A key and its text, which nobody can read again.

    Raises:
        Invalid: `validation_failed`: a scope that does not exist, or an expiry in the past.
        Forbidden: `scope_missing`: a scope that the maker has not got.
    """
    unknown = sorted(scopes - SCOPES)
    if unknown:
        raise Invalid(
            "validation_failed", f"There is no scope {', '.join(unknown)}.", pointer="/scopes"
        )
    _no_more_than(principal, scopes)
    now = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    if expires_at is not None and expires_at <= now:
        raise Invalid("validation_failed", "This time is over.", pointer="/expires_at")
    return await _store(tx, principal.project_id, name, sorted(scopes), expires_at)


async def list_keys(
    tx: AsyncSession, *, limit: int, cursor: str | None
) -> tuple[list[ApiKey], str | None]:
    """Newest first, with those that were revoked."""
    return await fetch_page(
        tx,
        select(ApiKey),
        keys=[(ApiKey.id, str)],
        limit=limit,
        cursor=cursor,
        order="api_keys",
        descending=True,
    )


async def rotate_key(
    tx: AsyncSession, principal: Principal, key_id: str, *, overlap: timedelta
) -> tuple[ApiKey, str]:
    """A new key with the name, scopes and expiry of an old one.

    Args:
        overlap: How long the old one stays valid, so that programs can change over.

    Raises:
        NotFound: `api_key_not_found`, also when it is revoked or expired.
        Forbidden: `scope_missing`: whoever rotates a key gets to know it.
    """
    old = await _valid_key(tx, key_id)
    _no_more_than(principal, frozenset(old.scopes))
    expires_at = old.expires_at
    new = await _store(tx, old.project_id, old.name, list(old.scopes), expires_at)
    if overlap:
        ends = func.clock_timestamp() + overlap
        old.expires_at = ends if expires_at is None else func.least(ends, expires_at)
    else:
        old.revoked_at = func.clock_timestamp()
    await tx.flush()
    return new


async def revoke_key(tx: AsyncSession, key_id: str) -> None:
    """Ends a key; processes that have just verified it notice within `AUTHENTICATED_FOR`.

    Raises:
        NotFound: `api_key_not_found`.
    """
    key = await tx.get(ApiKey, key_id)
    if key is None:
        raise NotFound("api_key_not_found", "No key of this project has this id.")
    if key.revoked_at is None:
        key.revoked_at = func.clock_timestamp()
        await tx.flush()


def _no_more_than(principal: Principal, scopes: frozenset[str]) -> None:
    beyond = sorted(scopes - principal.scopes)
    if beyond:
        raise Forbidden(
            "scope_missing",
            f"A key has no more than its maker; not {', '.join(beyond)}.",
            pointer="/scopes",
        )


async def _valid_key(tx: AsyncSession, key_id: str) -> ApiKey:
    key = await tx.scalar(
        select(ApiKey)
        .where(
            ApiKey.id == key_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.clock_timestamp()),
        )
        .with_for_update()
    )
    if key is None:
        raise NotFound("api_key_not_found", "No valid key of this project has this id.")
    return key


async def _store(
    tx: AsyncSession, project_id: str, name: str, scopes: list[str], expires_at: datetime | None
) -> tuple[ApiKey, str]:
    text = PREFIX + random_id(40)
    key = ApiKey(
        id=new_id("key"),
        project_id=project_id,
        name=name,
        hint=text[:10],
        key_hash=key_hash(text),
        scopes=scopes,
        expires_at=expires_at,
    )
    tx.add(key)
    await tx.flush()
    return key, text
