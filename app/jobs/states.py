"""The state machine of a task, and the only function that moves one.

    pending ──▶ ready ──▶ leased ──▶ succeeded
                  ▲         │  └───▶ dead
                  └ retry_wait ┘

Whatever is not final can be cancelled. A dead or cancelled task comes back by a person's retry,
and a leased one goes back to ready when its worker hands it back.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.jobs.models import Task, TaskState

_S = TaskState
_TASKS = Task.metadata.tables[Task.__tablename__]
OPEN = (_S.PENDING, _S.READY, _S.LEASED, _S.RETRY_WAIT)
FINAL = (_S.SUCCEEDED, _S.DEAD, _S.CANCELLED)

SOURCES: Mapping[TaskState, frozenset[TaskState]] = {
    _S.PENDING: frozenset({_S.DEAD, _S.CANCELLED}),
    _S.READY: frozenset({_S.PENDING, _S.RETRY_WAIT, _S.LEASED, _S.DEAD, _S.CANCELLED}),
    _S.LEASED: frozenset({_S.READY}),
    _S.RETRY_WAIT: frozenset({_S.LEASED}),
    _S.SUCCEEDED: frozenset({_S.LEASED}),
    _S.DEAD: frozenset({_S.LEASED}),
    _S.CANCELLED: frozenset(OPEN),
}

# How long a task may stay in a state before the reconciler asks why. A leased one has its own
# timeout; one that waits for a moment (run_at) counts from that moment.
PATIENCE: Mapping[TaskState, timedelta] = {
    _S.PENDING: timedelta(days=2),
    _S.READY: timedelta(hours=6),
    _S.RETRY_WAIT: timedelta(minutes=10),
}


def deadline(state: TaskState, *, run_at: Any = None) -> Any:
    """The SQL expression of `deadline_at` for a task that enters `state` now."""
    now = func.clock_timestamp()
    if state is _S.LEASED:
        return now + Task.timeout_seconds * timedelta(seconds=1)
    since = now if run_at is None else func.greatest(now, run_at)
    return since + PATIENCE.get(state, timedelta(0))


async def move(
    tx: AsyncSession,
    to: TaskState,
    *where: ColumnElement[bool],
    values: Mapping[str, Any] | None = None,
    returning: Sequence[InstrumentedAttribute[Any]] = (),
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Moves the tasks that `where` names and whose state allows it.

    Returns:
        A row with the id and then the columns of `returning` for each task that moved; a task
        that is in another state by now is left alone and has no row.
    """
    values = dict(values or {})
    values.setdefault("deadline_at", deadline(to, run_at=values.get("run_at")))
    if to is not _S.LEASED:
        values |= {"lease_until": None, "leased_by": None}
    if to is _S.READY:
        values["rung_at"] = None  # whatever was sent for it before has been used up
    if to in FINAL:
        values["finished_at"] = func.clock_timestamp()
    statement = (
        # The table and not the class, which would be treated as objects: rows are read again where
        # they are needed.
        update(_TASKS)
        .where(Task.state.in_(SOURCES[to]), *where)
        .values(state=to, **values)
        .returning(Task.id, *returning)
    )
    return (await tx.execute(statement)).all()
