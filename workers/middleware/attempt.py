"""Around every attempt: its Work, its folder, and how it failed."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from dramatiq import Broker, MessageProxy, Middleware

from app.foundation.db.faults import is_passing
from app.foundation.storage.errors import StoreError
from app.jobs.claim import hand_back
from app.jobs.outcome import LeaseLost, fail
from app.jobs.retry import Failure
from app.jobs.wake import ring
from workers.failures import classify, log_of
from workers.leases import DATABASE_AWAY, Stopped, StopReason
from workers.services import Services
from workers.task_broker import leased, loop_thread
from workers.work import Work, current_work

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 0.25


class CurrentWork(Middleware):
    """Makes the Work of the attempt, and removes its folder afterwards."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        current_work.set(Work(leased(message), self._services))

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        current_work.get().remove_scratch()


class Failures(Middleware):
    """Records how an attempt failed; success is recorded by the actor, with its effects."""

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        if exception is not None:
            loop_thread().run_coroutine(_record(current_work.get(), exception))


async def _record(work: Work, error: BaseException) -> None:
    lease = work.lease
    if isinstance(error, Stopped):
        log.info("task.stopped", reason=error.reason.value)
        if error.reason is StopReason.HANDED_BACK:
            await _persistently(work, lambda: _hand_back(work))
        else:
            await _withdraw(work)
        return
    if isinstance(error, LeaseLost):
        log.warning("task.lease_lost", fence=lease.fence)
        await _withdraw(work)
        return
    failure = classify(error)
    log.warning("task.failed", fault=failure.fault.value, code=failure.code, why=failure.message)
    await _persistently(work, lambda: _fail(work, failure, work.log_tail or log_of(error)))


async def _withdraw(work: Work) -> None:
    try:
        await work.withdraw()
    except (StoreError, *DATABASE_AWAY) as error:
        log.warning("task.objects_left", attempt=work.attempt_name, error=str(error))


async def _fail(work: Work, failure: Failure, log_tail: str) -> None:
    async with work.transaction() as tx:
        await fail(tx, work.lease, failure, log_tail=log_tail)


async def _hand_back(work: Work) -> None:
    async with work.services.database.dispatch() as tx:
        await ring(tx, await hand_back(tx, [(work.lease.id, work.lease.fence)]))


async def _persistently(work: Work, record: Callable[[], Awaitable[None]]) -> None:
    """Until it is written or the lease is over: then the reconciler finds the task."""
    while True:
        try:
            await record()
        except LeaseLost:
            return
        except DATABASE_AWAY as error:
            if not is_passing(error):
                raise
            log.warning("task.record_again", error=str(error))
            if work.services.leases.seconds_left(work.lease) <= 0:
                return
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
