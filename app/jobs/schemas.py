"""What the API says and takes about jobs and tasks."""

from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from app.jobs.models import Job, JobState, Task, TaskState

JobId = Annotated[str, Meta(examples=["job_01m7y2sxgm3k5n7q9s1v3x5z7b"])]
TaskId = Annotated[str, Meta(examples=["tsk_01m7y2sxgp2r4t6w8y0a2c4e6g"])]


class Failure(msgspec.Struct, frozen=True):
    """Why something failed."""

    code: Annotated[str, Meta(description="Stable, for programs.", examples=["timeout"])]
    message: Annotated[str, Meta(description="For people.")]


class TaskView(msgspec.Struct, kw_only=True, frozen=True):
    """One step of a job."""

    id: TaskId
    job_id: JobId
    asset_id: str | None
    kind: Annotated[str, Meta(examples=["encode"])]
    state: TaskState
    priority: Annotated[int, Meta(description="Higher runs first.", examples=[50])]
    blockers: Annotated[int, Meta(description="Steps before it that have not succeeded.")]
    attempt: Annotated[int, Meta(description="The first is 1; 0 before it.", examples=[1])]
    max_attempts: Annotated[int, Meta(examples=[4])]
    progress: Annotated[float, Meta(description="0 to 1.", examples=[0.42])]
    eta_seconds: Annotated[float | None, Meta(description="As far as is known.", examples=[31.5])]
    error: Annotated[Failure | None, Meta(description="Of the last attempt that failed.")]
    run_at: Annotated[datetime, Meta(description="Not before.")]
    deadline_at: Annotated[datetime, Meta(description="When its state is overdue.")]
    lease_until: Annotated[datetime | None, Meta(description="While a worker has it.")]
    worker: Annotated[str | None, Meta(description="Who has it.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Task, **more: Any) -> Self:
        """Args: `more`, what the task's own row does not tell."""
        columns = {
            name: getattr(row, name)
            for name in TaskView.__struct_fields__
            if name not in {"error", "worker"}
        }
        return cls(**columns, error=failure_of(row), worker=row.leased_by, **more)


class TaskNode(TaskView, kw_only=True, frozen=True):
    """A task in the tree of its job."""

    after: Annotated[list[TaskId], Meta(description="Tasks that must succeed first.")]
    children: Annotated[list["TaskNode"], Meta(description="Tasks that this one submitted.")]


class TaskDetail(TaskView, kw_only=True, frozen=True):
    args: dict[str, Any]
    result: dict[str, Any]
    correlation_id: Annotated[str, Meta(description="Finds it in logs and traces.")]
    log_tail: Annotated[
        str | None, Meta(description="The last lines of the attempt that failed last.")
    ]


class JobView(msgspec.Struct, kw_only=True, frozen=True):
    """Work on an asset, made of tasks."""

    id: JobId
    asset_id: str | None
    kind: Annotated[str, Meta(examples=["process"])]
    state: JobState
    priority: int
    correlation_id: str
    error: Failure | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: Job, **more: Any) -> Self:
        """Args: `more`, what the job's own row does not tell."""
        columns = {
            name: getattr(row, name) for name in JobView.__struct_fields__ if name != "error"
        }
        return cls(**columns, error=failure_of(row), **more)


class JobDetail(JobView, kw_only=True, frozen=True):
    tasks: Annotated[list[TaskNode], Meta(description="As a tree, oldest first.")]


class Redrive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead tasks are to run again."""

    task_ids: Annotated[
        Annotated[list[TaskId], Meta(max_length=1000)] | None,
        Meta(description="Without it: all that are dead, a thousand at most."),
    ] = None


class Skipped(msgspec.Struct, frozen=True):
    task_id: TaskId
    reason: str


class Redriven(msgspec.Struct, frozen=True):
    """What became of dead tasks."""

    redriven: list[TaskId]
    skipped: list[Skipped]


def failure_of(row: Task | Job) -> Failure | None:
    return Failure(row.error_code, row.error_message or "") if row.error_code else None
