"""How far the whole work on a video is, from how far each of its tasks is."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from app.assets.schemas import Progress
from app.jobs.models import TaskState


class TaskFacts(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> TaskState: ...
    @property
    def progress(self) -> float: ...
    @property
    def eta_seconds(self) -> float | None: ...


# Shares of the time that the steps usually take; a step that was not planned yet counts as not
# begun, so that the figure does not fall when the plan adds it.
_SHARES: Mapping[str, float] = {
    "ingest": 0.03,
    "probe": 0.02,
    "encode": 0.80,
    "package": 0.05,
    "images": 0.05,
    "verify": 0.03,
    "publish": 0.02,
}


def overall(tasks: Iterable[TaskFacts]) -> Progress | None:
    """The progress of all of a video's work; None where there is none."""
    by_kind: dict[str, list[TaskFacts]] = {}
    for task in tasks:
        by_kind.setdefault(task.kind, []).append(task)
    if not by_kind.keys() & _SHARES.keys():
        return None
    done = sum(
        share * sum(_fraction(task) for task in by_kind[kind]) / len(by_kind[kind])
        for kind, share in _SHARES.items()
        if kind in by_kind
    )
    # A retry begins with a later step: those before it have been done by an earlier job.
    first = min(list(_SHARES).index(kind) for kind in by_kind if kind in _SHARES)
    done += sum(list(_SHARES.values())[:first])
    running = [task for each in by_kind.values() for task in each if task.state is TaskState.LEASED]
    largest = max(running, key=lambda task: _SHARES.get(task.kind, 0.0), default=None)
    return Progress(
        fraction=round(min(1.0, done), 4),
        step=largest.kind if largest else None,
        eta_seconds=largest.eta_seconds if largest else None,
    )


def _fraction(task: TaskFacts) -> float:
    return 1.0 if task.state is TaskState.SUCCEEDED else min(1.0, max(0.0, task.progress))
