"""Group commit for tasks that end without effects: those that end at once share a transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from app.foundation.db.database import Database
from app.jobs.claim import Lease
from app.jobs.outcome import LeaseLost, Success, succeed_all

_MOST = 200


class Finisher:
    """Records successes, those of one project together.

    The first one is written at once; what ends while a transaction is under way is written by the
    next. So nobody waits for company, and many share the price of a commit.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: defaultdict[str, list[tuple[Success, asyncio.Future[None]]]] = defaultdict(
            list
        )
        self._writers: dict[str, asyncio.Task[None]] = {}

    async def succeed(self, lease: Lease, result: Mapping[str, Any]) -> None:
        """Returns when the success is committed.

        Raises:
            LeaseLost: as `outcome.succeed` does.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[lease.project_id].append((Success(lease, result), written))
        if lease.project_id not in self._writers:
            # A task of its own: it must outlive the attempt that happened to come first.
            self._writers[lease.project_id] = asyncio.create_task(self._write(lease.project_id))
        await written

    async def _write(self, project_id: str) -> None:
        try:
            while batch := self._waiting[project_id][:_MOST]:
                del self._waiting[project_id][: len(batch)]
                await self._write_batch(project_id, batch)
        finally:
            del self._writers[project_id]
            del self._waiting[project_id]

    async def _write_batch(
        self, project_id: str, batch: list[tuple[Success, asyncio.Future[None]]]
    ) -> None:
        error: Exception | None = None
        stands: frozenset[str] = frozenset()
        try:
            async with self._database.project(project_id) as tx:
                stands = await succeed_all(tx, [success for success, _ in batch])
        except Exception as raised:  # noqa: BLE001  # handed to everyone who waits for this batch
            error = raised
        for success, written in batch:
            if written.cancelled():
                continue
            if error is not None:
                written.set_exception(error)
            elif success.lease.id in stands:
                written.set_result(None)
            else:
                written.set_exception(LeaseLost(success.lease.id))
