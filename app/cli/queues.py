"""`spool queues`, for who runs Spool: reads its settings, asks SQS and the database themselves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from app.cli.deployment import dispatched, settings_here
from app.cli.errors import BadUsage, CommandFailed
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago
from app.foundation.sqs import SQS_ERRORS, QueueMissing, Sqs
from app.jobs import queue_letters
from app.jobs.queue_letters import Letter
from app.jobs.queue_names import every_queue
from app.jobs.queues import make_sqs
from app.settings import Settings


def count(*, as_json: bool) -> None:
    with _sqs() as (sqs, settings):
        counted = queue_letters.count_all(sqs, settings.sqs_queue_prefix)
    if as_json:
        show_json({"items": [asdict(each) for each in counted]})
        return
    rows = [
        (each.queue, str(each.visible), str(each.in_flight), str(each.dead)) for each in counted
    ]
    table(results(), ("queue", "waiting", "with workers", "dead letters"), rows)
    if any(each.dead for each in counted):
        line(notes(), f"Look into them: {called_as()} queues dead-letters QUEUE")


def dead_letters(queue: str, *, limit: int, as_json: bool) -> None:
    """Raises: BadUsage, when there is no such queue."""
    with _sqs() as (sqs, settings):
        _check(queue, settings)
        messages = queue_letters.look(sqs, queue, limit=limit)
        letters = dispatched(settings, lambda tx: queue_letters.explain(tx, queue, messages))
    if as_json:
        show_json({"items": [_as_json(letter) for letter in letters]})
        return
    if not letters:
        line(notes(), "No dead letters.")
        return
    now = datetime.now(UTC)
    for letter in letters:
        message = letter.message
        first = message.first_received_at
        line(results(), message.id)
        line(results(), f"  {letter.why}")
        line(
            results(),
            f"  task {letter.task_id or NONE}, received {message.receives} times, first "
            f"{ago(first.isoformat() if first else None, now)}",
        )
        for name, value in sorted(message.attributes.items()):
            line(results(), f"  {name}: {value}")
        line(results(), f"  {message.body[:500]}")
    line(notes(), f"Send them again: {called_as()} queues redrive {queue} [ID …]")


def redrive(queue: str, message_ids: Sequence[str], *, as_json: bool) -> None:
    """Raises: BadUsage, when there is no such queue."""
    with _sqs() as (sqs, settings):
        _check(queue, settings)
        done = queue_letters.redrive(sqs, queue, message_ids=frozenset(message_ids) or None)
    letters = "1 dead letter" if done.count == 1 else f"{done.count} dead letters"
    if as_json:
        show_json({"redriven": done.count, "approximate": done.by_sqs})
    elif done.by_sqs:
        line(results(), f"SQS is moving about {letters} to {queue}.")
    else:
        line(results(), f"{letters} {'is' if done.count == 1 else 'are'} in {queue} again.")


def _check(queue: str, settings: Settings) -> None:
    known = list(every_queue(settings.sqs_queue_prefix))
    if queue not in known:
        raise BadUsage(f"There is no queue {queue}.", f"There are: {', '.join(known)}")


@contextmanager
def _sqs() -> Iterator[tuple[Sqs, Settings]]:
    """SQS as this deployment has it.

    Raises:
        BadUsage: the settings are not here, or PostgreSQL is the queue.
        CommandFailed: SQS does not do what it is asked.
    """
    settings = settings_here()
    if settings.queue != "sqs":
        raise BadUsage("SPOOL_QUEUE is postgres: there are no messages, and no dead letters.")
    sqs = make_sqs(settings, connections=2)
    try:
        yield sqs, settings
    except QueueMissing as error:
        raise CommandFailed(str(error), "docs/queues.md says which there have to be.") from error
    except SQS_ERRORS as error:
        raise CommandFailed(f"SQS: {error}") from error
    finally:
        sqs.close()


def _as_json(letter: Letter) -> dict[str, object]:
    message, task = letter.message, letter.task
    return {
        "id": message.id,
        "queue": letter.source,
        "why": letter.why,
        "task_id": letter.task_id,
        "task": task
        and {
            "state": task.state,
            "attempt": task.attempt,
            "rung_at": task.rung_at.isoformat() if task.rung_at else None,
        },
        "receives": message.receives,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "first_received_at": (
            message.first_received_at.isoformat() if message.first_received_at else None
        ),
        "attributes": dict(message.attributes),
        "body": message.body,
    }
