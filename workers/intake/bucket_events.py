"""Makes assets of objects that land in a bucket, told of them by a queue."""

import asyncio
import contextlib
from datetime import timedelta

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from app.foundation.db.database import Database
from app.foundation.errors import SpoolError, Unavailable
from app.foundation.storage.errors import NotFound, StoreError
from app.foundation.storage.protocols import Store
from app.intake import arrivals
from app.intake.arrivals import ArrivalLost, Busy, Claim
from app.intake.notices import Landed, NotANotice, parse, project_of
from app.intake.shards import project_exists
from app.settings import Settings
from app.uploads.policy import UploadPolicy
from app.uploads.service import check_size
from workers.intake.landed_objects import LandedObjects
from workers.intake.metrics import ARRIVALS
from workers.intake.queue import VISIBILITY_SECONDS, Message, NoticeQueue
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

_AWS_ERRORS = (BotoCoreError, ClientError)
_LEASE = timedelta(seconds=VISIBILITY_SECONDS)
_PAUSE_SECONDS = 2.0
# Who is at it will be done soon, or never.
_BUSY_SECONDS = 5


class BucketEvents:
    """Reads the queue until `stop` is set; deletes a message when a row says what became of it."""

    def __init__(self, settings: Settings, database: Database, store: Store, url: str) -> None:
        self._database = database
        self._store = store
        self._prefix = settings.bucket_events_prefix
        self._policy = UploadPolicy.of(settings)
        self._queue = NoticeQueue(settings, url)
        self._objects = LandedObjects(settings, store)

    async def run(self, stop: asyncio.Event) -> None:
        """Ends within a poll and what is being copied then."""
        try:
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
                except _AWS_ERRORS as error:
                    log.warning("bucket_events.again", error=repr(error))
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)
        finally:
            self._queue.close()
            self._objects.close()

    async def _deal_with(self, message: Message) -> bool:
        """Whether the message is done with; one that is not comes again."""
        try:
            notices = parse(message.body)
        except NotANotice as error:
            # The queue's redrive policy takes it away after some more tries.
            ARRIVALS.labels("unreadable").inc()
            log.warning("notice.unreadable", why=str(error)[:500])
            return False
        try:
            for landed in notices:
                await self._take(message, landed)
        except Busy:
            await self._queue.hide(message, _BUSY_SECONDS)
            return False
        except (StoreError, Unavailable, ArrivalLost, *_AWS_ERRORS, *DATABASE_AWAY) as error:
            log.warning("notice.again", error=repr(error))
            return False
        return True

    async def _take(self, message: Message, landed: Landed) -> None:
        project_id = project_of(landed.key, self._prefix)
        if project_id is None:
            ARRIVALS.labels("elsewhere").inc()
            return
        async with self._database.project(project_id) as tx:
            known = await project_exists(tx, project_id)
        if not known:
            async with self._database.dispatch() as tx:
                why = f"There is no project {project_id[:64]}."
                await arrivals.refuse_unseen(tx, None, landed, "project_not_found", why)
            self._refused(landed, "project_not_found")
            return
        try:
            check_size(landed.size, self._policy.max_bytes)
        except SpoolError as error:
            async with self._database.project(project_id) as tx:
                await arrivals.refuse_unseen(tx, project_id, landed, error.code, error.detail)
            self._refused(landed, error.code)
            return
        async with self._database.project(project_id) as tx:
            held = await arrivals.claim(tx, self._policy, project_id, landed, lease=_LEASE)
        if held is None:
            ARRIVALS.labels("known").inc()
            return
        keeping = asyncio.create_task(self._keep(message, project_id, held))
        try:
            await self._copy(project_id, landed, held)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _copy(self, project_id: str, landed: Landed, held: Claim) -> None:
        try:
            size = await self._objects.copy(landed, held, self._policy.max_bytes)
            check_size(size, self._policy.max_bytes)
        except NotFound:
            code, why = "object_not_found", "The object was gone before it could be read."
        except SpoolError as error:
            if isinstance(error, Unavailable):
                raise
            code, why = error.code, error.detail
        else:
            async with self._database.project(project_id) as tx:
                upload = await arrivals.finish(tx, held, size)
            if upload is None:
                await self._store.delete(held.target)
                return
            ARRIVALS.labels("taken").inc()
            log.info("object.taken", bucket=landed.bucket, key=landed.key, asset=upload.asset_id)
            return
        async with self._database.project(project_id) as tx:
            await arrivals.refuse(tx, held, code, why)
        await self._store.delete(held.target)
        self._refused(landed, code)

    def _refused(self, landed: Landed, code: str) -> None:
        ARRIVALS.labels("refused").inc()
        log.warning("object.refused", bucket=landed.bucket, key=landed.key[:256], code=code)

    async def _keep(self, message: Message, project_id: str, held: Claim) -> None:
        """Keeps message and lease while the object is copied, however long that takes."""
        while True:
            await asyncio.sleep(VISIBILITY_SECONDS / 3)
            try:
                await self._queue.hide(message, VISIBILITY_SECONDS)
                async with self._database.project(project_id) as tx:
                    await arrivals.extend(tx, held, lease=_LEASE)
            except (ArrivalLost, *_AWS_ERRORS, *DATABASE_AWAY) as error:
                log.warning("notice.not_kept", error=repr(error))
