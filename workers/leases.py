"""The leases this process holds: kept alive by one heartbeat, and ended from the outside."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from app.foundation.db.database import Database
from app.foundation.db.faults import DATABASE_ERRORS
from app.jobs.claim import Lease, extend

log = structlog.get_logger(__name__)

# What a database that is restarting or out of reach raises, with SQLAlchemy around it or without.
DATABASE_AWAY = DATABASE_ERRORS


class StopReason(StrEnum):
    LOST = "lost"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"


class Stopped(Exception):
    """The work was ended from outside, which is no failure of it."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(eq=False, slots=True)
class _Held:
    lease: Lease
    until: float
    work: asyncio.Task[object] | None = None
    stopped: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        if self.stopped is None:
            self.stopped = reason
            if self.work is not None:
                self.work.cancel()


class Leases:
    """Every lease of this process, by task id. Lives on the event loop's thread.

    Args:
        duration: For how long a lease holds; the heartbeat comes three times in that time.
    """

    def __init__(self, database: Database, duration: timedelta) -> None:
        self._database = database
        self.duration = duration
        self.on_extended: Callable[[Collection[str]], None] | None = None
        """Told the tasks whose leases a heartbeat has extended; must not block."""
        self._held: dict[str, _Held] = {}
        self._ending: StopReason | None = None
        self._soon = asyncio.Event()

    def add(self, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.duration.total_seconds()
        self._held[lease.id] = _Held(lease, until, stopped=self._ending)

    def discard(self, lease: Lease) -> None:
        held = self._held.get(lease.id)
        if held is not None and held.lease.fence == lease.fence:
            del self._held[lease.id]

    def seconds_left(self, lease: Lease) -> float:
        """How long the lease holds if no further heartbeat gets through."""
        held = self._held.get(lease.id)
        return 0.0 if held is None else held.until - asyncio.get_running_loop().time()

    @contextlib.contextmanager
    def running(self, lease: Lease) -> Iterator[None]:
        """Around the work itself.

        Raises:
            Stopped: the lease ended from outside; the work was cancelled.
        """
        held = self._held.get(lease.id)
        if held is None:
            raise Stopped(StopReason.LOST)
        if held.stopped is not None:
            raise Stopped(held.stopped)
        held.work = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            if held.stopped is None:
                raise
            raise Stopped(held.stopped) from None
        finally:
            held.work = None

    def stop_all(self, reason: StopReason) -> None:
        """For good: what was being claimed meanwhile is stopped before it begins."""
        self._ending = reason
        for held in self._held.values():
            held.stop(reason)

    def __len__(self) -> int:
        return len(self._held)

    def beat_soon(self) -> None:
        """Some lease may have been taken away: the next heartbeat comes now."""
        self._soon.set()

    async def beat_forever(self) -> None:
        """Extends the leases until cancelled; a database that is away is asked again."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._soon.wait(), self.duration.total_seconds() / 3)
            self._soon.clear()
            try:
                await self.beat()
            except DATABASE_AWAY as error:
                log.warning("lease.heartbeat_failed", error=str(error), leases=len(self._held))
            self._stop_overdue()

    async def beat(self) -> None:
        """Extends all leases in one statement, and stops the work whose lease is gone."""
        beating = dict(self._held)
        if not beating:
            return
        asked = asyncio.get_running_loop().time()
        fences = [(task_id, held.lease.fence) for task_id, held in beating.items()]
        async with self._database.dispatch() as tx:
            found = await extend(tx, fences, lease=self.duration)
        for task_id, held in beating.items():
            if task_id in found.cancelled:
                held.stop(StopReason.CANCELLED)
            elif task_id in found.held:
                held.until = asked + self.duration.total_seconds()
            else:
                held.stop(StopReason.LOST)
        if self.on_extended is not None and found.held:
            self.on_extended(found.held)

    def _stop_overdue(self) -> None:
        """Work whose lease ran out while the database was away may run elsewhere by now."""
        now = asyncio.get_running_loop().time()
        for held in self._held.values():
            if now >= held.until:
                held.stop(StopReason.LOST)
