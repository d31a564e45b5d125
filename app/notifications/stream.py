"""Server-sent events (WHATWG HTML, section 9.2): what was missed, then what happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from app.foundation.db.database import Database
from app.foundation.db.ids import is_id
from app.foundation.errors import Forbidden, Invalid, Unauthenticated
from app.notifications.listener import Announcement, EventListener, MissedSome, announcement_of
from app.notifications.service import events_after, newest_event_ids

# Proxies close what is silent, and only by writing do we learn that nobody reads any more.
HEARTBEAT_SECONDS = 15.0
_PAGE = 500


def check_event_id(event_id: str) -> str:
    """The id of an event, as a client says it in Last-Event-ID.

    Raises:
        Invalid: validation_failed.
    """
    if not is_id(event_id, "evt"):
        raise Invalid("validation_failed", "Last-Event-ID is not the id of an event.")
    return event_id


class EventStream:
    """The events of an asset, or of a project, for one client.

    Args:
        asset_id: None for all of the project.
        after: The last event the client has; None sends only what happens from now on.
        still_allowed: Raises Unauthenticated or Forbidden once the client's credentials are no
            longer good; asked with every heartbeat.
    """

    def __init__(
        self,
        database: Database,
        listener: EventListener,
        *,
        project_id: str,
        asset_id: str | None,
        after: str | None,
        still_allowed: Callable[[], Awaitable[None]],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._database = database
        self._listener = listener
        self._project_id = project_id
        self._asset_id = asset_id
        self._last = after
        self._still_allowed = still_allowed
        self._heartbeat = heartbeat_seconds
        self._known: set[str] = set()

    async def run(self) -> AsyncIterator[bytes]:
        """What is sent, message by message; ends with the client's credentials or connection."""
        with self._listener.subscribe(self._project_id, self._asset_id) as subscription:
            # Subscribed before the table is read, so that nothing falls between the two; and only
            # then is the client told, so that it hears of whatever it does next.
            await self._begin()
            yield b": connected\n\n"
            async for message in self._missed():
                yield message
            next_beat = self._now() + self._heartbeat
            while True:
                try:
                    heard = await subscription.next(max(0.0, next_beat - self._now()))
                except MissedSome:
                    async for message in self._missed():
                        yield message
                    continue
                if heard is not None and heard.id not in self._known:
                    self._last = max(self._last or "", heard.id or "")
                    yield encode(heard)
                if self._now() >= next_beat:
                    next_beat = self._now() + self._heartbeat
                    try:
                        await self._still_allowed()
                    except (Unauthenticated, Forbidden):
                        return
                    yield b": still here\n\n"

    async def _missed(self) -> AsyncIterator[bytes]:
        while True:
            async with self._database.project(self._project_id) as tx:
                events = await events_after(
                    tx, asset_id=self._asset_id, after=self._last or "", limit=_PAGE
                )
            for event in events:
                self._last = event.id
                self._known.add(event.id)
                yield encode(announcement_of(event))
            if len(events) < _PAGE:
                return

    async def _begin(self) -> None:
        """Takes what is committed for known, though its announcement may still be on its way."""
        async with self._database.project(self._project_id) as tx:
            newest = await newest_event_ids(tx, asset_id=self._asset_id)
        self._known.update(newest)
        if self._last is None:
            self._last = newest[0] if newest else ""

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def encode(announcement: Announcement) -> bytes:
    """One message. Progress has no id: it cannot be asked for again."""
    head = f"id: {announcement.id}\n" if announcement.id else ""
    # JSON has no line ends of its own, so it is one data line.
    data = msgspec.json.encode({"asset_id": announcement.asset_id, **announcement.data})
    return f"{head}event: {announcement.type}\ndata: ".encode() + data + b"\n\n"
