"""From an object in a bucket to an asset with its source."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from app.foundation.db.database import Database
from app.foundation.errors import SpoolError, Unavailable
from app.foundation.storage.errors import NotFound, StoreError
from app.foundation.storage.protocols import Store
from app.foundation.telemetry.spans import begun_trace
from app.intake import arrivals
from app.intake.arrivals import ArrivalLost, Claim
from app.intake.notices import Landed
from app.settings import Settings
from app.uploads.policy import UploadPolicy
from app.uploads.service import check_size
from workers.intake.landed_objects import LandedObjects
from workers.intake.metrics import ARRIVALS
from workers.leases import DATABASE_AWAY

log = structlog.get_logger(__name__)

AWS_ERRORS = (BotoCoreError, ClientError)
_AWAY = (StoreError, Unavailable, *AWS_ERRORS)
# What an object can be tried again for.
PASSING = (ArrivalLost, *_AWAY, *DATABASE_AWAY)
LEASE = timedelta(seconds=60)

# Called while an object is copied, three times within a lease.
Beat = Callable[[], Awaitable[None]]


async def _no_beat() -> None: ...


class ObjectTaker:
    """Takes objects; each row says what became of its own."""

    def __init__(self, settings: Settings, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._policy = UploadPolicy.of(settings)
        self._objects = LandedObjects(settings, store)

    async def take(self, project_id: str, landed: Landed, beat: Beat = _no_beat) -> None:
        """Makes an asset of an object, or says in its row why there is none.

        Raises:
            Busy: another process is at it.
            PASSING: it can be tried again.
        """
        # No request asked for it: what becomes of the object is a trace from here on.
        with begun_trace("take object"):
            await self._take(project_id, landed, beat)

    async def _take(self, project_id: str, landed: Landed, beat: Beat) -> None:
        try:
            check_size(landed.size, self._policy.max_bytes)
        except SpoolError as error:
            async with self._database.project(project_id) as tx:
                await arrivals.refuse_unseen(tx, project_id, landed, error.code, error.detail)
            _refused(landed, error.code)
            return
        async with self._database.project(project_id) as tx:
            held = await arrivals.claim(tx, self._policy, project_id, landed, lease=LEASE)
        if held is None:
            ARRIVALS.labels("known").inc()
            return
        keeping = asyncio.create_task(self._keep(project_id, held, beat))
        try:
            await self._copy(project_id, landed, held)
        except _AWAY as error:
            async with self._database.project(project_id) as tx:
                await arrivals.put_off(tx, held, str(error))
            raise
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
        _refused(landed, code)

    async def _keep(self, project_id: str, held: Claim, beat: Beat) -> None:
        """Keeps the lease while the object is copied, however long that takes."""
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await beat()
                async with self._database.project(project_id) as tx:
                    await arrivals.extend(tx, held, lease=LEASE)
            except PASSING as error:
                log.warning("object.not_kept", error=repr(error))

    def close(self) -> None:
        self._objects.close()


def _refused(landed: Landed, code: str) -> None:
    ARRIVALS.labels("refused").inc()
    log.warning("object.refused", bucket=landed.bucket, key=landed.key[:256], code=code)
