"""People, organisations and projects. `gate` is a transaction of the gate, see `Database`."""

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Member, Organisation, Project, Role, User
from app.foundation.db.ids import new_id
from app.foundation.errors import Conflict, Invalid, NotFound
from app.foundation.http.etag import require_match
from app.foundation.paging import fetch_page


def check_password(password: str, email: str) -> None:
    """Refuses what is guessed first; the length is the schema's business.

    Raises:
        Invalid: `validation_failed`.
    """
    lowered = password.strip().lower()
    if lowered == email.lower() or len(set(lowered)) < 4:
        raise Invalid(
            "validation_failed",
            "A password is not the e-mail address, and has at least four different characters.",
            pointer="/password",
        )


async def find_user(gate: AsyncSession, email: str) -> User | None:
    found: User | None = await gate.scalar(
        select(User).where(func.lower(User.email) == email.lower())
    )
    return found


async def store_password_hash(gate: AsyncSession, user_id: str, password_hash: str) -> None:
    await gate.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


async def register(
    gate: AsyncSession,
    *,
    email: str,
    name: str,
    password_hash: str,
    organisation: str,
    project: str,
) -> User:
    """A person with an organisation and a first project, which is his.

    Raises:
        Conflict: `email_taken`.
    """
    user = User(id=new_id("usr"), email=email, name=name, password_hash=password_hash)
    gate.add(user)
    try:
        await gate.flush()
    except IntegrityError as error:
        raise Conflict(
            "email_taken", "There is an account with this address. Sign in.", pointer="/email"
        ) from error
    owner = Organisation(id=new_id("org"), name=organisation)
    gate.add(owner)
    await gate.flush()
    await _add_project(gate, owner.id, project, user.id)
    return user


async def list_projects(
    gate: AsyncSession, user_id: str, *, limit: int, cursor: str | None
) -> tuple[list[Project], str | None]:
    """The projects that the user is a member of, oldest first."""
    return await fetch_page(
        gate,
        select(Project)
        .join(Member, Member.project_id == Project.id)
        .where(Member.user_id == user_id),
        keys=[(Project.id, str)],
        limit=limit,
        cursor=cursor,
        order="projects",
    )


async def create_project(
    gate: AsyncSession, *, beside_project_id: str, name: str, user_id: str
) -> Project:
    """A project in the organisation of another one; the user owns it."""
    beside = await gate.get_one(Project, beside_project_id)
    return await _add_project(gate, beside.organisation_id, name, user_id)


async def _add_project(
    gate: AsyncSession, organisation_id: str, name: str, user_id: str
) -> Project:
    project = Project(id=new_id("prj"), organisation_id=organisation_id, name=name)
    gate.add(project)
    await gate.flush()
    gate.add(Member(project_id=project.id, user_id=user_id, role=Role.OWNER))
    await gate.flush()
    return project


async def get_project(tx: AsyncSession, project_id: str) -> Project:
    """The project of the transaction.

    Raises:
        NotFound: `project_not_found`, also when the transaction is another project's.
    """
    project = await tx.get(Project, project_id)
    if project is None:
        raise NotFound("project_not_found", "There is no such project for these credentials.")
    return project


async def rename_project(
    tx: AsyncSession, project_id: str, name: str, *, if_match: str | None
) -> Project:
    """Gives the project another name.

    Raises:
        NotFound: `project_not_found`.
        PreconditionRequired: without If-Match.
        PreconditionFailed: it has been changed since.
    """
    project = await tx.get(Project, project_id, with_for_update=True)
    if project is None:
        raise NotFound("project_not_found", "There is no such project for these credentials.")
    require_match(if_match, project.version)
    project.name = name
    project.version += 1
    await tx.flush()
    return project
