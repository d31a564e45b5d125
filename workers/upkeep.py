"""What runs beside the work: repairs of rows, objects and disks, and messages that leave.

`upkeep_of` is the list of it. A worker runs it unless told otherwise, and `workers.relay` runs it
alone, where no worker may be there to do it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from app.foundation.clock import Clock, utc_now
from app.foundation.sqs import Sqs
from app.foundation.storage.errors import StoreError
from app.foundation.storage.protocols import TemporaryFiles
from app.intake import streams
from app.jobs.reconciler import REPAIRS, ExpireUpload, Reconciler
from app.seams import make_channels
from app.uploads import service as uploads
from app.uploads import tus_service as tus
from app.uploads.orphans import ABANDONED_AFTER, sweep_orphans, sweep_tus
from workers.leases import DATABASE_AWAY
from workers.outbox_relay import OutboxRelay
from workers.services import Services
from workers.wake_relay import WakeRelay

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 3600.0


Forever = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Coroutines that run until cancelled, and what closes behind them."""

    tasks: Sequence[Forever]
    close: Forever


def upkeep_of(services: Services, sqs: Sqs | None) -> Upkeep:
    """What one process at least has to run; more of them share it.

    Args:
        sqs: Where messages go; None where PostgreSQL rings its own workers.
    """
    settings, database = services.settings, services.database
    reconciler = Reconciler(
        database,
        expire_upload=expire_upload(services),
        interval=settings.reconcile_seconds,
        lease=settings.lease,
    )
    outbox = OutboxRelay(database, make_channels(settings, database))
    tasks: list[Forever] = [
        reconciler.run_forever,
        outbox.run_forever,
        partial(sweep_forever, services),
    ]
    if sqs is not None:
        xray = settings.trace_format == "xray"
        wake_relay = WakeRelay(database, sqs, prefix=settings.sqs_queue_prefix, xray=xray)
        tasks.append(wake_relay.run_forever)
    return Upkeep(tasks, outbox.close)


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
