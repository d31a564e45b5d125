"""Members of a project and their roles."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import MailWish, Member, Project, Role, User
from app.accounts.service import find_user
from app.foundation.auth import Principal
from app.foundation.errors import Conflict, Forbidden, NotFound
from app.foundation.paging import fetch_rows


@dataclass(frozen=True, slots=True)
class Membership:
    """A member with what the project may know of the person."""

    user_id: str
    email: str
    name: str
    role: Role
    mail: MailWish
    created_at: datetime


# All that a project's role may read of a user.
_PERSON = (User.id, User.email, User.name)


async def list_members(
    tx: AsyncSession, *, limit: int, cursor: str | None
) -> tuple[list[Membership], str | None]:
    """By user id, which is the order in which the accounts were made."""
    rows, following = await fetch_rows(
        tx,
        select(Member, *_PERSON).join(User, User.id == Member.user_id),
        keys=[(Member.user_id, str)],
        limit=limit,
        cursor=cursor,
        order="members",
    )
    return [_membership(row[0], row.email, row.name) for row in rows], following


async def get_member(tx: AsyncSession, user_id: str) -> Membership:
    """Raises NotFound: `member_not_found`."""
    query = select(Member, *_PERSON).join(User, User.id == Member.user_id)
    row = (await tx.execute(query.where(Member.user_id == user_id))).one_or_none()
    if row is None:
        raise NotFound("member_not_found", "No member of this project has this id.")
    return _membership(row[0], row.email, row.name)


async def add_member(
    gate: AsyncSession, principal: Principal, *, email: str, role: Role
) -> Membership:
    """Makes a person with an account a member of the principal's project.

    Raises:
        Forbidden: `scope_missing`: only an owner makes an owner.
        NotFound: `member_not_found`: nobody has an account with this address.
        Conflict: `member_exists`.
    """
    _only_owners(principal, role)
    user = await find_user(gate, email)
    if user is None:
        raise NotFound(
            "member_not_found",
            "Nobody has an account with this address. Ask them to register first.",
            pointer="/email",
        )
    if await gate.get(Member, (principal.project_id, user.id)) is not None:
        raise Conflict("member_exists", "Change the role of the member instead.", pointer="/email")
    member = Member(project_id=principal.project_id, user_id=user.id, role=role, mail=MailWish.OWN)
    gate.add(member)
    await gate.flush()
    return _membership(member, user.email, user.name)


async def change_role(
    tx: AsyncSession, principal: Principal, user_id: str, role: Role
) -> Membership:
    """Sets the role. Tokens issued before keep the old one until they expire.

    Raises:
        NotFound: `member_not_found`.
        Forbidden: `scope_missing`: only an owner makes or changes an owner.
        Conflict: `last_owner`.
    """
    member = await _locked_member(tx, principal.project_id, user_id)
    _only_owners(principal, role, member.role)
    if role is not Role.OWNER:
        await _keep_an_owner(tx, member)
    member.role = role
    await tx.flush()
    person = (await tx.execute(select(*_PERSON).where(User.id == user_id))).one()
    return _membership(member, person.email, person.name)


async def remove_member(tx: AsyncSession, principal: Principal, user_id: str) -> None:
    """Ends a membership; anybody may end their own.

    Raises:
        NotFound: `member_not_found`.
        Forbidden: `scope_missing`.
        Conflict: `last_owner`.
    """
    member = await _locked_member(tx, principal.project_id, user_id)
    if user_id != principal.user_id:
        principal.require("members:write")
        _only_owners(principal, member.role)
    await _keep_an_owner(tx, member)
    await tx.delete(member)
    await tx.flush()


def _membership(member: Member, email: str, name: str) -> Membership:
    return Membership(member.user_id, email, name, member.role, member.mail, member.created_at)


async def _locked_member(tx: AsyncSession, project_id: str, user_id: str) -> Member:
    # One change of members at a time, so that two owners cannot remove each other at once.
    await tx.execute(select(Project.id).where(Project.id == project_id).with_for_update())
    member = await tx.get(Member, (project_id, user_id))
    if member is None:
        raise NotFound("member_not_found", "No member of this project has this id.")
    return member


async def _keep_an_owner(tx: AsyncSession, leaving: Member) -> None:
    if leaving.role is not Role.OWNER:
        return
    another = await tx.scalar(
        select(Member.user_id)
        .where(
            Member.project_id == leaving.project_id,
            Member.role == Role.OWNER,
            Member.user_id != leaving.user_id,
        )
        .limit(1)
    )
    if another is None:
        raise Conflict("last_owner", "Make somebody else an owner first.")


def _only_owners(principal: Principal, *roles: Role) -> None:
    if Role.OWNER in roles and principal.role != Role.OWNER:
        raise Forbidden("scope_missing", "Only an owner makes, changes or removes an owner.")
