"""Makes assets of objects that land in a bucket: told of them by a queue, and by rows that wait.

The queue is a doorbell. A row that was begun and that nobody is at any more is taken again without
it, and so is one that somebody has asked for once more.
"""

import asyncio
import contextlib
from datetime import timedelta
from functools import partial

import structlog

from app.accounts.service import get_project
from app.foundation.db.database import Database
from app.foundation.errors import NotFound
from app.foundation.storage.protocols import Store
from app.intake import arrivals
from app.intake.arrivals import Busy
from app.intake.notices import Landed, NotANotice, parse, project_of
from app.settings import Settings
from workers.intake.metrics import ARRIVALS
from workers.intake.queue import VISIBILITY_SECONDS, Message, NoticeQueue
from workers.intake.taking import AWS_ERRORS, PASSING, ObjectTaker
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 2.0
# Who is at it will be done soon, or never.
_BUSY_SECONDS = 5
# By then its message has come again and again, or has become a dead letter.
_LEFT_ALONE = timedelta(minutes=10)
_AT_ONCE = 10


class BucketEvents:
    """Runs until `stop` is set; deletes a message when a row says what became of it."""

    def __init__(self, settings: Settings, database: Database, store: Store, url: str) -> None:
        self._database = database
        self._prefix = settings.bucket_events_prefix
        self._look_seconds = settings.reconcile_seconds
        self._queue = NoticeQueue(settings, url)
        self._taker = ObjectTaker(settings, database, store)

    async def run(self, stop: asyncio.Event) -> None:
        """Ends within a poll and what is being copied then."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read_queue(stop))
                group.create_task(self._look_for_waiting(stop))
        finally:
            self._queue.close()
            self._taker.close()

    async def _read_queue(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                messages = await self._queue.receive()
                if stop.is_set():
                    # Whoever polls next has them at once.
                    await asyncio.gather(*(self._queue.hide(each, 0) for each in messages))
                    return
                done = await asyncio.gather(*map(self._deal_with, messages))
                await self._queue.delete(
                    [each for each, over in zip(messages, done, strict=True) if over]
                )
            except AWS_ERRORS as error:
                log.warning("bucket_events.again", error=repr(error))
                await _wait(stop, _PAUSE_SECONDS)

    async def _deal_with(self, message: Message) -> bool:
        """Whether the message is done with; one that is not comes again.

        What nobody can deal with, the queue's redrive policy takes away after some tries.
        """
        beat = partial(self._queue.hide, message, VISIBILITY_SECONDS)
        try:
            for landed in parse(message.body):
                project_id = await self._project_of(landed)
                if project_id is None:
                    ARRIVALS.labels("elsewhere").inc()
                else:
                    await self._taker.take(project_id, landed, beat)
        except NotANotice as error:
            ARRIVALS.labels("unreadable").inc()
            log.warning("notice.unreadable", why=str(error)[:500])
        except NotFound as error:
            ARRIVALS.labels("no_project").inc()
            log.warning("notice.no_project", why=error.detail, notice=message.body[:500])
        except Busy:
            await self._queue.hide(message, _BUSY_SECONDS)
        except PASSING as error:
            log.warning("notice.again", error=repr(error))
        else:
            return True
        return False

    async def _project_of(self, landed: Landed) -> str | None:
        """Whose an object is; None where it lies elsewhere.

        Raises:
            NotFound: project_not_found.
        """
        project_id = project_of(landed.key, self._prefix)
        if project_id is not None:
            async with self._database.project(project_id) as tx:
                await get_project(tx, project_id)
        return project_id

    async def _look_for_waiting(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                async with self._database.dispatch() as tx:
                    waiting = await arrivals.find_waiting(
                        tx, left_alone=_LEFT_ALONE, limit=_AT_ONCE
                    )
                await asyncio.gather(*(self._take_again(*each) for each in waiting))
            except DATABASE_AWAY as error:
                log.warning("bucket_events.again", error=repr(error))
            await _wait(stop, self._look_seconds)

    async def _take_again(self, project_id: str, arrival_id: str) -> None:
        try:
            async with self._database.project(project_id) as tx:
                landed = await arrivals.landed_of(tx, arrival_id)
            if landed is not None:
                await self._taker.take(project_id, landed)
        except Busy:
            pass
        except PASSING as error:
            log.warning("object.again", arrival=arrival_id, error=repr(error))


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
