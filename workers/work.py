"""One attempt at one task, as its actor sees it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.assets.keys import derived_prefixes
from app.foundation.db.faults import is_passing
from app.foundation.storage.local_files import as_local
from app.jobs.claim import Lease
from app.jobs.outcome import Effects, may_stand, succeed
from app.jobs.progress import record_progress
from workers.leases import DATABASE_AWAY, Stopped, StopReason
from workers.services import Services

log = structlog.get_logger(__name__)

_PROGRESS_SECONDS = 0.5
_RETRY_SECONDS = 0.25


class Work:
    """What an actor has: the lease with its arguments, the services, and a folder of its own."""

    def __init__(self, lease: Lease, services: Services) -> None:
        self.lease = lease
        self.services = services
        self.log_tail: str | None = None
        self._scratch: Path | None = None
        self._progress: tuple[float, float | None] | None = None
        self._reporter: asyncio.Task[None] | None = None
        self.finished = False

    @property
    def args(self) -> Mapping[str, Any]:
        return self.lease.args

    @property
    def asset_id(self) -> str:
        if self.lease.asset_id is None:
            raise ValueError(f"a task of kind {self.lease.kind} needs an asset")
        return self.lease.asset_id

    @property
    def attempt_name(self) -> str:
        """A name that no other attempt has, for what this one makes: `<task id>.<fence>`."""
        return f"{self.lease.id}.{self.lease.fence}"

    @property
    def scratch(self) -> Path:
        """A folder for this attempt alone; gone when the attempt ends, however it ends."""
        if self._scratch is None:
            self._scratch = self.services.scratch.new_folder(self.lease.kind)
        return self._scratch

    def output_prefix(self, root: str) -> str:
        """Where this attempt's objects lie: `<root>/<asset>/<attempt>/`."""
        return f"{root}/{self.asset_id}/{self.attempt_name}/"

    async def local_copy(self, key: str) -> Path:
        """The object as a file to read, without copying it where the store is a folder."""
        return await as_local(self.services.store, key, self.scratch)

    async def withdraw(self) -> None:
        """Removes the objects of this attempt, if no row will ever name them.

        Whoever tidied up after the job has been here before: this attempt came too late for it.

        Raises:
            StoreError, or what a database raises that is away: they stay until the asset goes.
        """
        if self.lease.asset_id is None:
            return
        async with self.transaction() as tx:
            if await may_stand(tx, self.lease):
                return
        for prefix in derived_prefixes(self.lease.asset_id):
            await self.services.store.delete_prefix(f"{prefix}{self.attempt_name}/")

    def remove_scratch(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction of the task's project. Not to be held while media is worked on."""
        async with self.services.database.project(self.lease.project_id) as tx:
            yield tx

    async def finish(
        self, effects: Effects | None = None, result: Mapping[str, Any] | None = None
    ) -> None:
        """Records success and, in the same transaction, what follows from it.

        A database that is away is asked again for as long as the lease holds: hours of encoding
        are not thrown away for a restart. `effects` may therefore run more than once, though only
        once to the end.

        Raises:
            LeaseLost: somebody else holds the task by now; nothing was written.
        """
        await self._end_reports()
        while True:
            try:
                await self._record_success(effects, result or {})
            except DATABASE_AWAY as error:
                if not is_passing(error):
                    raise
                if self.services.leases.seconds_left(self.lease) <= 0:
                    raise Stopped(StopReason.LOST) from error
                log.warning("task.finish_again", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self.finished = True
                return

    async def _record_success(self, effects: Effects | None, result: Mapping[str, Any]) -> None:
        if effects is None:
            await self.services.finisher.succeed(self.lease, result)
        else:
            async with self.transaction() as tx:
                await succeed(tx, self.lease, result, effects)

    def report(self, fraction: float, eta_seconds: float | None = None) -> None:
        """Notes how far the work is, 0 to 1. It is written twice a second at the most."""
        self._progress = (fraction, eta_seconds)
        if self._reporter is None or self._reporter.done():
            self._reporter = asyncio.create_task(self._write_progress())

    async def _write_progress(self) -> None:
        while self._progress is not None:
            (fraction, eta_seconds), self._progress = self._progress, None
            try:
                async with self.transaction() as tx:
                    await record_progress(tx, self.lease, fraction, eta_seconds)
            except DATABASE_AWAY as error:
                log.debug("task.progress_lost", error=str(error))
            await asyncio.sleep(_PROGRESS_SECONDS)

    async def _end_reports(self) -> None:
        self._progress = None
        if self._reporter is not None:
            self._reporter.cancel()
            await asyncio.wait([self._reporter])
            self._reporter = None


current_work: ContextVar[Work] = ContextVar("current_work")
