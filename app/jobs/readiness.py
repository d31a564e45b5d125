"""Whether work can be handed over."""

from sqlalchemy import text

from app.foundation.db.database import Database


async def check_tasks(database: Database) -> None:
    """Returns when tasks can be submitted: the queue is their table.

    It is looked at as those who submit see it, from no project at all, so that it shows no row.

    Raises:
        Exception: whatever the database says.
    """
    async with database.project("") as tx:
        await tx.execute(text("SELECT id FROM tasks LIMIT 1"))
