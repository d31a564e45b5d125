"""How Alembic reaches the database: by the URL that the caller gives, else by the settings."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import load_settings
from app.tables import metadata
from migrations.compatibility import remember

# One migration at a time, whichever machine starts it; the number only has to be ours.
_MIGRATION_LOCK = 7_766_501


def _migrate(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
    context.run_migrations()
    remember(connection)


async def _run(url: str) -> None:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


def _run_offline(url: str) -> None:
    context.configure(url=url, target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


_url: str = context.config.attributes.get("url") or load_settings().owner_database_url
if context.is_offline_mode():
    _run_offline(_url)
else:
    asyncio.run(_run(_url))
