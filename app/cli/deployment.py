"""The deployment itself, for commands of who runs Spool: its settings, and its database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError

import app.tables  # noqa: F401  # makes the foreign keys' other ends known
from app.cli.errors import BadUsage, CommandFailed
from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.settings import Settings, load_settings

T = TypeVar("T")


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
