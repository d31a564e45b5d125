"""Sessions of people: a short-lived access token and a chain of refresh tokens.

Each refresh token is used once and replaced. One that comes back later than a moment after its use
has been copied, so its whole chain ends and everybody who holds a part of it signs in again. Two
refreshes within `GRACE` are two tabs of one browser: both go on, in the same chain.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Member, Project, RefreshToken, Role, User
from app.foundation.db.ids import new_id, random_id
from app.foundation.errors import Forbidden

GRACE = timedelta(seconds=10)
_PREFIX = "spoolrt_"


@dataclass(frozen=True, slots=True)
class Session:
    """Who signed in, and where."""

    user: User
    project: Project
    role: Role
    refresh_token: str


async def open_session(
    gate: AsyncSession,
    user: User,
    *,
    lifetime: timedelta,
    project_id: str | None = None,
    family_id: str | None = None,
) -> Session:
    """A session in one of the user's projects; the oldest, unless one is named.

    Raises:
        Forbidden: `project_not_found`: not a member there, or of no project at all.
    """
    found = (
        await gate.execute(
            select(Project, Member.role)
            .join(Member, Member.project_id == Project.id)
            .where(
                Member.user_id == user.id,
                *([Project.id == project_id] if project_id is not None else []),
            )
            .order_by(Project.id)
            .limit(1)
        )
    ).first()
    if found is None:
        raise Forbidden("project_not_found", "The account is not a member of that project.")
    project, role = found
    token = _PREFIX + random_id(48)
    # A person's chains are few; what has expired goes when a new token comes.
    await gate.execute(
        delete(RefreshToken).where(
            RefreshToken.user_id == user.id, RefreshToken.expires_at < func.clock_timestamp()
        )
    )
    gate.add(
        RefreshToken(
            id=new_id("rft"),
            family_id=family_id or new_id("rff"),
            user_id=user.id,
            project_id=project.id,
            token_hash=_digest(token),
            expires_at=func.clock_timestamp() + lifetime,
        )
    )
    await gate.flush()
    return Session(user, project, Role(role), token)


async def refresh(
    gate: AsyncSession, token: str, *, lifetime: timedelta, project_id: str | None = None
) -> Session | None:
    """The next session of a chain, in the same project or in another one of the user's.

    Returns:
        None when the token is not valid (any more). That may have ended the chain, so the
        transaction has to be committed all the same.

    Raises:
        Forbidden: `project_not_found`.
    """
    found = (
        await gate.execute(
            select(RefreshToken, func.clock_timestamp())
            .where(RefreshToken.token_hash == _digest(token))
            .with_for_update()
        )
    ).first()
    if found is None:
        return None
    link: RefreshToken
    now: datetime
    link, now = found
    if link.revoked_at is not None or link.expires_at <= now:
        return None
    if link.used_at is None:
        link.used_at = now
    elif now - link.used_at > GRACE:
        await _end_chain(gate, link.family_id)
        return None
    user = await gate.get_one(User, link.user_id)
    return await open_session(
        gate,
        user,
        lifetime=lifetime,
        project_id=project_id or link.project_id,
        family_id=link.family_id,
    )


async def sign_out(gate: AsyncSession, token: str) -> None:
    """Ends the chain of a refresh token; one that is not there has ended already."""
    family_id = await gate.scalar(
        select(RefreshToken.family_id).where(RefreshToken.token_hash == _digest(token))
    )
    if family_id is not None:
        await _end_chain(gate, family_id)


async def _end_chain(gate: AsyncSession, family_id: str) -> None:
    await gate.execute(
        update(RefreshToken)
        .where(RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp())
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
