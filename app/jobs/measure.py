"""What is counted in the task table: how deep the queues are, how old, and what is stuck."""

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.catalog import QUEUES
from app.jobs.models import Task, TaskState
from app.jobs.states import PATIENCE

STUCK = Gauge("spool_stuck_rows", "Rows past the deadline of their state; 0 is right.", ["table"])
QUEUED = Gauge("spool_queue_tasks", "Tasks of a queue, by state.", ["queue", "state"])
OLDEST = Gauge(
    "spool_queue_oldest_seconds", "For how long the oldest ready task has waited.", ["queue"]
)
_STATES = (TaskState.READY, TaskState.LEASED, TaskState.RETRY_WAIT)
# One statement per state, so that each is answered by the index that has only such rows.
_READY_SINCE = func.clock_timestamp() - (Task.deadline_at - PATIENCE[TaskState.READY])


class Measurements:
    """The gauges, of the process whose turn it was; others show none instead of old ones.

    Args:
        keep_seconds: After so long without a turn the figures are forgotten.
    """

    def __init__(self, *, keep_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep_seconds
        self._clock = clock
        self._taken: float | None = None

    async def take(self, tx: AsyncSession, overdue: Any) -> None:
        """Measures.

        Args:
            overdue: States with a deadline, by table.
        """
        for table, states in overdue.items():
            late = (
                select(func.count())
                .select_from(table)
                .where(table.state.in_(states), table.deadline_at < func.clock_timestamp())
            )
            STUCK.labels(table.__tablename__).set(await tx.scalar(late) or 0)
        for state in _STATES:
            by_queue = (
                select(Task.queue, func.count(), func.max(func.extract("epoch", _READY_SINCE)))
                .where(Task.state == state)
                .group_by(Task.queue)
            )
            found = {queue: (count, age) for queue, count, age in await tx.execute(by_queue)}
            for queue in QUEUES:
                count, age = found.get(queue, (0, 0.0))
                QUEUED.labels(queue, state.value).set(count)
                if state is TaskState.READY:
                    OLDEST.labels(queue).set(max(0.0, float(age)))
        self._taken = self._clock()

    def forget_old(self) -> None:
        """It was another process's turn for some time: what is shown here is no longer so."""
        if self._taken is not None and self._clock() - self._taken > self._keep:
            self._taken = None
            for gauge in (STUCK, QUEUED, OLDEST):
                gauge.clear()
