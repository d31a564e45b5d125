"""Repairs that touch objects and disks as well as rows."""

import asyncio
from datetime import timedelta

import structlog

from app.foundation.clock import Clock, utc_now
from app.foundation.storage.errors import StoreError
from app.foundation.storage.protocols import TemporaryFiles
from app.intake import streams
from app.jobs.reconciler import REPAIRS, ExpireUpload
from app.uploads import service as uploads
from app.uploads import tus_service as tus
from app.uploads.orphans import ABANDONED_AFTER, sweep_orphans, sweep_tus
from workers.leases import DATABASE_AWAY
from workers.services import Services

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 3600.0


def expire_upload(services: Services) -> ExpireUpload:
    """How an overdue upload ends: its row, its asset and its parts."""
    idle = timedelta(seconds=services.settings.kinesis_idle_seconds)
    longest = timedelta(seconds=services.settings.upload_expires_seconds)

    async def expire(project_id: str, upload_id: str) -> None:
        async with services.database.project(project_id) as tx:
            # All of it may have come, and the process that was to say so has died.
            await tus.settle_if_tus(tx, services.store, upload_id)
            if not await streams.put_off_expiry(tx, upload_id, idle=idle, longest=longest):
                await uploads.expire(tx, upload_id, services.store)

    return expire


async def sweep_forever(services: Services) -> None:
    """Removes what crashes left in the store and on this machine's disk, until cancelled."""
    while True:
        try:
            await sweep(services)
        except (StoreError, *DATABASE_AWAY) as error:
            log.warning("sweep.put_off", error=str(error))
        await asyncio.sleep(_SWEEP_SECONDS)


async def sweep(services: Services, *, clock: Clock = utc_now) -> None:
    """One round.

    Raises:
        StoreError: the store is away.
        DBAPIError: the database is.
    """
    REPAIRS.labels("scratch_folder").inc(await asyncio.to_thread(services.scratch.sweep))
    if isinstance(services.store, TemporaryFiles):
        swept = await services.store.sweep_temporary(older_than=ABANDONED_AFTER)
        REPAIRS.labels("temporary_file").inc(swept)
    async with services.database.dispatch() as tx:
        aborted = await sweep_orphans(tx, services.store, clock=clock)
        aborted += await sweep_tus(tx, services.store, clock=clock)
    REPAIRS.labels("orphaned_upload").inc(aborted)
