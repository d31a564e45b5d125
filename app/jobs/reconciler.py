"""Finds what is stuck and repairs it: rows against rows, and rows against objects.

Every worker runs one; an advisory lock lets one at a time work, so that more workers cost nothing.
It looks over all projects under the dispatch role, and repairs each row as the row's own project.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import func, select, text

from app.assets.models import Asset, AssetState
from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.foundation.db.silence import end_silent_sessions
from app.foundation.errors import SpoolError
from app.foundation.storage.errors import StoreError
from app.foundation.telemetry.correlation import acting_for
from app.jobs.claim import find_leases, promote_due
from app.jobs.measure import Measurements
from app.jobs.models import Task
from app.jobs.outcome import LeaseLost, fail
from app.jobs.repair import resettle_asset, resettle_task
from app.jobs.retry import Failure, Fault
from app.jobs.states import OPEN
from app.jobs.wake import ring
from app.uploads.models import Upload, UploadState

log = structlog.get_logger(__name__)

REPAIRS = Counter("spool_repairs_total", "What the reconciler mended.", ["what"])

_LOCK = 7_766_502
_BATCH = 200
# Waiting tasks are made ready this often, whatever else waits for the reconciler's turn.
_PROMOTE_SECONDS = 0.5
# After so many rounds of others, what this process measured is no longer so.
_ROUNDS_KEPT = 3

# Which states have a deadline that is the reconciler's to enforce. What an asset waits for before
# its upload is complete is the upload's affair.
_DEADLINES: dict[Any, Sequence[str]] = {
    Task: OPEN,
    Upload: (UploadState.WAITING, UploadState.UPLOADING),
    Asset: (AssetState.INGESTING, AssetState.PROCESSING, AssetState.DELETING),
}

ExpireUpload = Callable[[str, str], Awaitable[None]]


class Reconciler:
    """Repairs until cancelled.

    Args:
        expire_upload: Ends an overdue upload, given its project's id and its own.
        interval: Seconds between two rounds.
        lease: After so long a worker that is silent has lost what it holds, locks too.
    """

    def __init__(
        self,
        database: Database,
        *,
        expire_upload: ExpireUpload,
        interval: float,
        lease: timedelta,
    ) -> None:
        self._database = database
        self._lease = lease
        self._expire_upload = expire_upload
        self._interval = interval
        self._measurements = Measurements(keep_seconds=_ROUNDS_KEPT * interval)

    async def run_forever(self) -> None:
        # A group ends when all have ended; gather would leave one in the middle of its rollback.
        async with asyncio.TaskGroup() as group:
            group.create_task(_forever(self._promote, _PROMOTE_SECONDS))
            group.create_task(_forever(self.reconcile, self._interval))
            # Apart, because a round may be waiting for the very locks that this frees.
            group.create_task(_forever(self._end_silent_sessions, self._interval))

    async def _end_silent_sessions(self) -> None:
        ended = await end_silent_sessions(self._database, after=self._lease)
        if ended:
            REPAIRS.labels("silent_session").inc(ended)
            log.warning("repair.silent_session", sessions=ended)

    async def _promote(self) -> None:
        async with self._database.dispatch() as tx:
            await ring(tx, await promote_due(tx))

    async def reconcile(self) -> None:
        """One round; does nothing while another worker is at it."""
        async with self._database.dispatch() as lock:
            if not await lock.scalar(
                text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}
            ):
                self._measurements.forget_old()
                return
            await self._end_lost_leases()
            await self._expire_uploads()
            await self._look_into_overdue_tasks()
            await self._look_into_overdue_assets()
            await self._forget_old_answers()
            await self._measure()

    async def _end_lost_leases(self) -> None:
        """A lease that ran out is a failed attempt: its worker is dead, frozen or cut off."""
        async with self._database.dispatch() as tx:
            leases = await find_leases(tx, Task.lease_until < func.clock_timestamp(), limit=_BATCH)
        failure = Failure(
            Fault.LEASE_LOST,
            "worker_lost",
            "The worker stopped answering while it was at this step.",
        )
        for lease in leases:
            try:
                with acting_for(lease.correlation_id, lease.traceparent):
                    async with self._database.project(lease.project_id) as tx:
                        state = await fail(tx, lease, failure)
            except LeaseLost:
                continue  # It came back in time, or ended, since we looked.
            REPAIRS.labels("lost_lease").inc()
            log.warning("repair.lost_lease", task_id=lease.id, kind=lease.kind, state=state.value)
            await self._promote()

    async def _expire_uploads(self) -> None:
        async def expire(upload_id: str, project_id: str) -> None:
            await self._expire_upload(project_id, upload_id)
            REPAIRS.labels("expired_upload").inc()

        await self._mend_overdue(Upload, expire)

    async def _look_into_overdue_tasks(self) -> None:
        async def look(task_id: str, project_id: str) -> None:
            async with self._database.project(project_id) as tx:
                what = await resettle_task(tx, task_id)
            REPAIRS.labels("overdue_task").inc()
            log.warning("repair.overdue_task", task_id=task_id, what=what)

        await self._mend_overdue(Task, look)

    async def _look_into_overdue_assets(self) -> None:
        async def look(asset_id: str, project_id: str) -> None:
            async with self._database.project(project_id) as tx:
                what = await resettle_asset(tx, asset_id)
            REPAIRS.labels("overdue_asset").inc()
            log.warning("repair.overdue_asset", asset_id=asset_id, what=what)

        await self._mend_overdue(Asset, look)

    async def _mend_overdue(self, table: Any, mend: Callable[[str, str], Awaitable[None]]) -> None:
        """Mends row by row; one that cannot be mended now holds up no other."""
        for row_id, project_id in await self._overdue(table):
            try:
                await mend(row_id, project_id)
            except (SpoolError, StoreError) as error:
                log.warning("repair.failed", row=row_id, error=repr(error))

    async def _forget_old_answers(self) -> None:
        async with self._database.dispatch() as tx:
            await tx.execute(
                text("DELETE FROM idempotent_answers WHERE expires_at < clock_timestamp()")
            )

    async def _measure(self) -> None:
        async with self._database.dispatch() as tx:
            await self._measurements.take(tx, _DEADLINES)

    async def _overdue(self, table: Any) -> Sequence[tuple[str, str]]:
        async with self._database.dispatch() as tx:
            rows = await tx.execute(
                select(table.id, table.project_id)
                .where(
                    table.state.in_(_DEADLINES[table]),
                    table.deadline_at < func.clock_timestamp(),
                )
                .order_by(table.deadline_at)
                .limit(_BATCH)
            )
            return [(row[0], row[1]) for row in rows]


async def _forever(step: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        try:
            await step()
        except DATABASE_ERRORS as error:
            log.warning("reconciler.database_away", error=str(error))
        await asyncio.sleep(seconds)
