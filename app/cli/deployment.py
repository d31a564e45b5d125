"""The deployment itself, for commands of who runs Spool: its settings, and its database."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

import app.tables  # noqa: F401  # makes the foreign keys' other ends known
from app.cli.errors import BadUsage, CommandFailed
from app.cli.screen import line, notes, show_json
from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.foundation.paging import LIMIT_MAX, Page
from app.settings import Settings, load_settings

T = TypeVar("T")
Found = Sequence[tuple[str, T]]


def settings_here() -> Settings:
    """What the environment says.

    Raises:
        BadUsage: it says nothing of a Spool.
    """
    try:
        return load_settings()
    except ValidationError as error:
        raise BadUsage(
            f"The settings of this Spool are not in the environment: {error}",
            "Run this where a worker runs, with its SPOOL_ variables.",
        ) from error


def in_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Does some work with the database of this deployment.

    Raises:
        CommandFailed: it is away.
    """

    async def run() -> T:
        database = Database(settings.database_url.get_secret_value(), pool_size=1)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except DATABASE_ERRORS as error:
        raise CommandFailed(f"The database: {error}") from error


def dispatched(settings: Settings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Does some work over all projects, in one transaction. Raises as `in_database`."""

    async def run(database: Database) -> T:
        async with database.dispatch() as tx:
            return await work(tx)

    return in_database(settings, run)


def of_all_projects(
    settings: Settings,
    projects: Callable[[AsyncSession], Awaitable[Sequence[str]]],
    page: Callable[[AsyncSession, int, str | None], Awaitable[Page[T]]],
    limit: int,
) -> Found[T]:
    """Rows that only a project's own role may read in full, each with its project.

    Args:
        projects: Which have some, asked of the dispatch role.
        page: Of one project, by limit and cursor.

    Raises:
        CommandFailed: the database is away.
    """

    async def run(database: Database) -> list[tuple[str, T]]:
        async with database.dispatch() as tx:
            project_ids = await projects(tx)
        found: list[tuple[str, T]] = []
        for project_id in project_ids:
            cursor: str | None = None
            while len(found) < limit:
                async with database.project(project_id) as tx:
                    some = await page(tx, min(limit - len(found), LIMIT_MAX), cursor)
                found += [(project_id, each) for each in some.items]
                if (cursor := some.next_cursor) is None:
                    break
        return found

    return in_database(settings, run)


def show_plainly(found: Found[T], *, nothing: str, as_json: bool) -> bool:
    """Shows what `of_all_projects` found as JSON, or that it is nothing; False if neither."""
    if as_json:
        show_json(
            {"items": [{"project_id": it, **msgspec.to_builtins(view)} for it, view in found]}
        )
    elif not found:
        line(notes(), nothing)
    return as_json or not found
