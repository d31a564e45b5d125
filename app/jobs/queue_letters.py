"""Dead letters of SQS: what no worker could make sense of, or what came back too often.

They belong to no project, so no API shows them: whoever runs Spool looks at them with its own
settings. Dead tasks are another thing, and are seen and retried by their projects (`redrive`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.sqs import MOST_IN_BATCH, Received, Sqs
from app.jobs.models import Task, TaskState
from app.jobs.queue_names import dead_letter_name, every_queue
from app.jobs.wakeup import Poison, WakeUp, read_wakeup

# Receiving is the only way to look. They are out of sight for so long, then there as before.
_LOOK_SECONDS = 15

_SAYINGS = {
    Poison.NOT_JSON: "The body is not JSON; Spool did not send it.",
    Poison.NOT_AN_OBJECT: "The body is no JSON object; Spool did not send it.",
    Poison.NO_TASK_ID: "The body names no task; Spool did not send it.",
    Poison.UNKNOWN_KIND: "No worker here knows this kind of task. A newer Spool may.",
}


@dataclass(frozen=True, slots=True)
class TaskNow:
    """What a task's row says."""

    state: TaskState
    attempt: int
    rung_at: datetime | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, with its queue and what it means."""

    source: str
    message: Received
    task_id: str | None
    task: TaskNow | None
    why: str


@dataclass(frozen=True, slots=True)
class Counted:
    """One queue: about how many messages it has, and how many dead letters."""

    queue: str
    visible: int
    in_flight: int
    dead: int


def count_all(sqs: Sqs, prefix: str) -> list[Counted]:
    """Raises: QueueMissing, or what SQS_ERRORS names."""
    counted = []
    for name in every_queue(prefix):
        depth, dead = sqs.depth(name), sqs.depth(dead_letter_name(name))
        counted.append(Counted(name, depth.visible, depth.in_flight, dead.total))
    return counted


def look(sqs: Sqs, source: str, *, limit: int) -> list[Received]:
    """Dead letters of a queue, which stay where they are.

    SQS shows them in no order, and perhaps not all at once. Each look counts as a receive.
    """
    found: dict[str, Received] = {}
    while len(found) < limit:
        messages = sqs.receive(
            dead_letter_name(source),
            most=min(MOST_IN_BATCH, limit - len(found)),
            wait_seconds=0,
            hidden_seconds=_LOOK_SECONDS,
        )
        if not messages:
            break
        found |= {message.id: message for message in messages}
    sqs.hide(dead_letter_name(source), {each.receipt: 0 for each in found.values()})
    return list(found.values())


async def explain(tx: AsyncSession, source: str, messages: Sequence[Received]) -> list[Letter]:
    """With what the tasks' rows say; `tx` is of the dispatch role."""
    said = [read_wakeup(message.body) for message in messages]
    ids = {each.task_id for each in said if isinstance(each, WakeUp)}
    rows = await tx.execute(
        select(Task.id, Task.state, Task.attempt, Task.rung_at).where(Task.id.in_(ids))
    )
    tasks = {row.id: TaskNow(row.state, row.attempt, row.rung_at) for row in rows}
    return [
        Letter(
            source,
            message,
            each.task_id if isinstance(each, WakeUp) else None,
            tasks.get(each.task_id) if isinstance(each, WakeUp) else None,
            _SAYINGS[each] if isinstance(each, Poison) else _of_task(tasks.get(each.task_id)),
        )
        for message, each in zip(messages, said, strict=True)
    ]


def _of_task(task: TaskNow | None) -> str:
    if task is None:
        return "The task is gone. Nothing is lost with this message."
    if task.state is TaskState.READY:
        return "The task still waits. The relay rings for it again by itself; redriving is sooner."
    return f"The task is {task.state} by now. Nothing is lost with this message."


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many dead letters are in their queue again, or are being moved there by SQS itself.

    Args:
        by_sqs: It says about how many there were, and takes its time.
    """

    count: int
    by_sqs: bool = False


def redrive(sqs: Sqs, source: str, *, message_ids: frozenset[str] | None = None) -> Redriven:
    """Sends dead letters to their queue again, and then deletes them.

    Cut off in between, a message is there twice, which harms no task. Those that are not in
    `message_ids` are left. With None, all of them go, and SQS moves them itself where it can.

    Raises:
        QueueMissing, or what SQS_ERRORS names.
    """
    dead = dead_letter_name(source)
    if message_ids is None:
        count = sqs.depth(dead).total
        if count and sqs.start_move(dead, source) is not None:
            return Redriven(count, by_sqs=True)
    moved = 0
    for batch in _drawn(sqs, dead, message_ids):
        entries = [_again(message) for message in batch]
        taken = [batch[place] for place in sqs.send(source, entries)]
        sqs.delete(dead, [message.receipt for message in taken])
        moved += len(taken)
    return Redriven(moved)


def _drawn(sqs: Sqs, dead: str, message_ids: frozenset[str] | None) -> Iterator[Sequence[Received]]:
    """Batches of the wanted ones until none is seen any more; the others are shown again."""
    others: list[Received] = []
    seen: set[str] = set()
    while True:
        messages = sqs.receive(
            dead, most=MOST_IN_BATCH, wait_seconds=0, hidden_seconds=_LOOK_SECONDS
        )
        messages = [each for each in messages if each.id not in seen]
        if not messages:
            break
        seen |= {message.id for message in messages}
        wanted = [each for each in messages if message_ids is None or each.id in message_ids]
        others += [each for each in messages if each not in wanted]
        if wanted:
            yield wanted
    sqs.hide(dead, {message.receipt: 0 for message in others})


def _again(message: Received) -> dict[str, object]:
    entry: dict[str, object] = {"MessageBody": message.body}
    if message.raw_attributes:
        entry["MessageAttributes"] = message.raw_attributes
    if message.trace_header:
        entry["MessageSystemAttributes"] = {
            "AWSTraceHeader": {"DataType": "String", "StringValue": message.trace_header}
        }
    return entry
