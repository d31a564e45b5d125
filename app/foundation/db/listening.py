"""LISTEN for as long as a process lives, over a connection of its own."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import asyncpg
import structlog

from app.foundation.db.database import Database
from app.foundation.db.driver_url import driver_url
from app.foundation.db.faults import DATABASE_ERRORS

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS = 1.0
# How long a connection that broke without a word goes unnoticed.
_PING_SECONDS = 30.0


async def listen_forever(
    database: Database,
    channel: str,
    heard: Callable[[str], None],
    *,
    connected: Callable[[], None],
    name: str,
) -> None:
    """Hands over each NOTIFY until cancelled; a connection that breaks is made again.

    Args:
        heard: Called with the payload, on the event loop.
        connected: Called when listening has begun: what came before was not heard.
        name: What the server calls the connection.
    """
    while True:
        lost = asyncio.Event()
        try:
            # Not one of the pool's, where it would be missing for good.
            connection = await asyncpg.connect(
                driver_url(database.engine.url),
                timeout=10,
                server_settings={"application_name": name},
            )
            try:
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(
                    channel, lambda _connection, _pid, _channel, payload: heard(str(payload))
                )
                connected()
                while not lost.is_set():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_PING_SECONDS):
                            await lost.wait()
                    if not lost.is_set():
                        await connection.execute("SELECT 1", timeout=10)
            finally:
                connection.terminate()
        except DATABASE_ERRORS as error:
            log.warning("listening.broken", channel=channel, error=str(error))
        await asyncio.sleep(_RECONNECT_SECONDS)
