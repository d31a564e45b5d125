"""Which code runs on which schema.

A roll-out migrates before it changes processes, and a roll-back changes processes alone. So code
meets schemas that are newer than its own, and works on them as long as migrations only add. A
migration that takes away what older code uses, or asks more of it, makes itself `OLDEST`. Whoever
migrates leaves that beside the schema's revision, where older code looks before it starts.
"""

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import Connection

from app.foundation.db.driver_url import driver_url

# The oldest revision whose code works on the newest schema.
OLDEST = "0012"


class SchemaTooNew(Exception):
    """The schema has moved on so far that this code cannot work on it; says what to do."""


def remember(connection: Connection) -> None:
    """Leaves `OLDEST` with the table of revisions, which has room for nothing but one."""
    connection.execute(
        text(
            "DO $$ BEGIN IF to_regclass('alembic_version') IS NOT NULL THEN "
            f"COMMENT ON TABLE alembic_version IS '{OLDEST}'; END IF; END $$"
        )
    )


async def is_newer(url: str, known: str) -> bool:
    """Whether the schema is newer than any that this code knows, and still good for it.

    Args:
        url: `postgresql+asyncpg://…` of the owner.
        known: The newest revision of this code.

    Raises:
        SchemaTooNew: it is newer, and code of `known` does not work on it.
        asyncpg.PostgresError, OSError: the database does not answer.
    """
    connection = await asyncpg.connect(driver_url(url), timeout=10)
    try:
        row = await connection.fetchrow(
            "SELECT version_num, obj_description('alembic_version'::regclass) AS oldest "
            "FROM alembic_version"
        )
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
    if row is None or row["version_num"] <= known:
        return False
    if row["oldest"] is None or row["oldest"] > known:
        raise SchemaTooNew(
            f"The schema is at revision {row['version_num']}, which needs code of "
            f"{row['oldest'] or 'that revision'} or newer, and this is code of {known}. Run a "
            f"newer image; or have the newer one undo its migrations to {known} first, and what "
            "they have added is lost."
        )
    return True
