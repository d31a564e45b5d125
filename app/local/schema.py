"""Brings the database to the newest schema, and costs next to nothing when it is there already."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from app.foundation.db.driver_url import driver_url

_VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


class MigrationFailed(Exception):
    """The database could not be brought to the newest schema; with what was said."""


def newest_revision() -> str:
    """Migrations are named `revision_slug.py`, and revisions are numbers in order."""
    return max(file.stem.partition("_")[0] for file in _VERSIONS.glob("[0-9]*.py"))


def migrate(url: str, environment: Mapping[str, str]) -> bool:
    """Migrates when the database is not at the newest revision; says whether it had to.

    Args:
        url: `postgresql+asyncpg://…` of the owner.
        environment: What `python -m migrations.run` needs of settings, added to our own.

    Raises:
        MigrationFailed: as it says.
    """
    if asyncio.run(_revision(url)) == newest_revision():
        return False
    # In a process of its own: Alembic and all tables are a lot to import for once.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "migrations.run"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MigrationFailed((done.stdout + done.stderr)[-4000:])
    return True


async def _revision(url: str) -> str | None:
    try:
        connection = await asyncpg.connect(driver_url(url), timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise MigrationFailed(f"the database does not answer: {error}") from error
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
    return found
