"""What runs on the event loop beside the actors, from boot to shutdown."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from dramatiq import Broker, Middleware, Worker

from workers.task_broker import loop_thread

log = structlog.get_logger(__name__)

Forever = Callable[[], Awaitable[None]]


class BackgroundTasks(Middleware):
    """Runs coroutines that never end, such as the heartbeat and the doorbell.

    Args:
        close: Awaited when the worker has shut down and the tasks are cancelled.
    """

    def __init__(self, tasks: Sequence[Forever], *, close: Forever) -> None:
        self._tasks = tasks
        self._close = close
        self._running: list[asyncio.Task[Any]] = []

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        loop_thread().run_coroutine(self._start())

    async def _start(self) -> None:
        for forever in self._tasks:
            task = asyncio.ensure_future(forever())
            task.add_done_callback(_report_end)
            self._running.append(task)

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        loop_thread().run_coroutine(self._end())

    async def _end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._close()


def _report_end(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        log.critical("background_task.ended", task=task.get_name(), exc_info=task.exception())
