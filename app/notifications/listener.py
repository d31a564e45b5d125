"""One LISTEN connection per process, and whoever in it wants to hear of events."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.foundation.db.database import Database
from app.foundation.db.driver_url import driver_url
from app.notifications.models import Event
from app.notifications.service import CHANNEL

_log = structlog.get_logger(__name__)
# A listener that is so far behind is cut off; it asks again for what it missed.
_QUEUE = 1000
# How long a broken connection can go unnoticed.
_PING_SECONDS = 15.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something that happened, as it is told to clients.

    Args:
        id: Of the event's row; None for what leaves no row, such as progress.
    """

    id: str | None
    type: str
    asset_id: str | None
    data: dict[str, Any]


class MissedSome(Exception):
    """Announcements may have been lost; the event table has them."""


class Subscription:
    """What one client is waiting for."""

    def __init__(self, project_id: str, asset_id: str | None) -> None:
        self.project_id = project_id
        self.asset_id = asset_id
        self._queue: asyncio.Queue[Announcement | None] = asyncio.Queue(_QUEUE)

    def offer(self, announcement: Announcement) -> None:
        try:
            self._queue.put_nowait(announcement)
        except asyncio.QueueFull:
            self.lose()

    def lose(self) -> None:
        """Lets the client know, before all else, that something is missing."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def next(self, timeout: float) -> Announcement | None:  # noqa: ASYNC109  # waits for one
        """The next announcement; None when none came within so many seconds.

        Raises:
            MissedSome: read the event table from where you were.
        """
        try:
            async with asyncio.timeout(timeout):
                announcement = await self._queue.get()
        except TimeoutError:
            return None
        if announcement is None:
            raise MissedSome
        return announcement


class EventListener:
    """Hears what `notifications.service` announces, and hands it to the subscriptions.

    The connection is made again when it breaks, however often; every subscription then reads the
    event table once, so that nothing is missed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._heard: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._listen(), name="events-listen"),
            asyncio.create_task(self._hand_out(), name="events-hand-out"),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.contextmanager
    def subscribe(self, project_id: str, asset_id: str | None) -> Iterator[Subscription]:
        """Hears from now on of one asset, or of all of a project where that is None."""
        subscription = Subscription(project_id, asset_id)
        self._subscriptions.setdefault(project_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            mine = self._subscriptions[project_id]
            mine.discard(subscription)
            if not mine:
                del self._subscriptions[project_id]

    async def _listen(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self._connected() as (connection, lost):
                    pause = _FIRST_PAUSE
                    self._everybody_reads_again()
                    await _until_lost(connection, lost)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("events.connection_lost", error=str(error), retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncpg.Connection, asyncio.Event]]:
        # Not one of the pool's: it would be missing there for as long as the process lives.
        connection = await asyncpg.connect(
            driver_url(self._database.engine.url),
            timeout=10,
            server_settings={"application_name": "spool-events"},
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._hear)
            yield connection, lost
        finally:
            connection.terminate()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._heard.put_nowait(str(payload))

    def _everybody_reads_again(self) -> None:
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.lose()

    async def _hand_out(self) -> None:
        while True:
            told = json.loads(await self._heard.get())
            interested = [
                subscription
                for subscription in self._subscriptions.get(told["project_id"], ())
                if subscription.asset_id in {None, told["asset_id"]}
            ]
            if not interested:
                continue
            try:
                announcement = await self._complete(told)
            except (OSError, SQLAlchemyError) as error:
                _log.warning("events.row_not_read", error=str(error), event_id=told["id"])
                for subscription in interested:
                    subscription.lose()
                continue
            for subscription in interested:
                subscription.offer(announcement)

    async def _complete(self, told: dict[str, Any]) -> Announcement:
        """The announcement with its data, read once however many are waiting for it."""
        if told["id"] is None:
            return Announcement(None, told["type"], told["asset_id"], told["data"])
        async with self._database.project(told["project_id"]) as tx:
            event = await tx.get_one(Event, told["id"])
        return announcement_of(event)


def announcement_of(event: Event) -> Announcement:
    return Announcement(event.id, event.type, event.asset_id, event.data)


async def _until_lost(connection: asyncpg.Connection, lost: asyncio.Event) -> None:
    """Returns or raises when the connection is gone, also when nobody has closed it."""
    while not lost.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PING_SECONDS):
                await lost.wait()
                return
        await connection.execute("SELECT 1", timeout=_PING_SECONDS)
