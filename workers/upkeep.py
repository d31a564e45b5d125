"""Repairs that touch objects and disks as well as rows."""

import asyncio
from datetime import datetime, timedelta

import structlog

from app.foundation.clock import utc_now
from app.foundation.storage.errors import StoreError
from app.foundation.storage.folder import FolderStore
from app.jobs.reconciler import REPAIRS, ExpireUpload
from app.uploads import service as uploads
from workers.services import Services

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 3600.0
# Whatever writes to the store has given up long before.
_ABANDONED_AFTER = timedelta(hours=6)


def expire_upload(services: Services) -> ExpireUpload:
    """How an overdue upload ends: its row, its asset and its parts."""

    async def expire(project_id: str, upload_id: str) -> None:
        async with services.database.project(project_id) as tx:
            await uploads.expire(tx, upload_id, services.store)

    return expire


async def sweep_forever(services: Services) -> None:
    """Removes what crashes left in the store and on this machine's disk, until cancelled."""
    while True:
        try:
            await sweep(services, now=utc_now())
        except StoreError as error:
            log.warning("sweep.store_away", error=str(error))
        await asyncio.sleep(_SWEEP_SECONDS)


async def sweep(services: Services, *, now: datetime) -> None:
    """One round.

    Raises:
        StoreError: the store is away.
    """
    REPAIRS.labels("scratch_folder").inc(await asyncio.to_thread(services.scratch.sweep))
    if isinstance(services.store, FolderStore):
        swept = await services.store.sweep_temporary(older_than=_ABANDONED_AFTER)
        REPAIRS.labels("temporary_file").inc(swept)
    # An upload that has a row ends by its row's deadline; what is older than that has none.
    lifetime = timedelta(seconds=services.settings.upload_expires_seconds)
    oldest = now - lifetime - _ABANDONED_AFTER
    async for orphan in services.store.list_multiparts(""):
        if orphan.initiated < oldest:
            await services.store.abort_multipart(orphan.key, orphan.upload_id)
            REPAIRS.labels("orphaned_upload").inc()
            log.warning("repair.orphaned_upload", key=orphan.key)
