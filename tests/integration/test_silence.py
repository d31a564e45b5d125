"""A client that stops between preparing a statement and binding it keeps nobody out for long."""

import asyncio
from datetime import timedelta

import asyncpg

from app.foundation.db.database import Database
from app.foundation.db.silence import end_silent_sessions


async def frozen(url: str, application: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A session in a transaction that holds a lock, with a statement prepared and never bound."""
    settings = {"application_name": application, "idle_in_transaction_session_timeout": "100"}
    connection = await asyncpg.connect(
        url.replace("+asyncpg", ""), server_settings=settings, statement_cache_size=0
    )
    await connection.execute("BEGIN; SELECT pg_advisory_xact_lock(77)")
    await connection.prepare("SELECT 1")
    return connection


async def test_the_server_alone_does_not_see_it_and_this_does(database_url: str) -> None:
    database = Database(database_url, application_name="spool-worker")
    held = await frozen(database_url, "spool-worker")
    stranger = await frozen_elsewhere(database_url)
    gone = asyncio.Event()
    held.add_termination_listener(lambda _connection: gone.set())
    try:
        async with asyncio.timeout(20):
            while not await end_silent_sessions(database, after=timedelta(seconds=0.5)):
                # Past the time-out that would have ended a session idle in its transaction.
                assert not held.is_closed()
            await gone.wait()
        assert not stranger.is_closed()
        assert await stranger.fetchval("SELECT 1") == 1
    finally:
        held.terminate()
        stranger.terminate()
        await database.close()


async def frozen_elsewhere(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Another program's session in the same state, which is not ours to end."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), statement_cache_size=0)
    await connection.prepare("SELECT 1")
    return connection


async def test_a_session_that_works_or_idles_is_left_alone(database_url: str) -> None:
    database = Database(database_url, application_name="spool-worker")
    url = database_url.replace("+asyncpg", "")
    settings = {"application_name": "spool-worker"}
    idle = await asyncpg.connect(url, server_settings=settings)
    busy = await asyncpg.connect(url, server_settings=settings)
    try:
        working = asyncio.ensure_future(busy.execute("SELECT pg_sleep(0.4)"))
        while not working.done():
            assert await end_silent_sessions(database, after=timedelta(seconds=0.1)) == 0
        await working
        assert await idle.fetchval("SELECT 1") == 1
    finally:
        idle.terminate()
        busy.terminate()
        await database.close()
