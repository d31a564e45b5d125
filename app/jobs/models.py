"""Jobs and their tasks: the queue is the task table."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.db.base import Base, Created, Id, Instant, Json, ProjectOwned, Words


class JobState(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    LEASED = "leased"
    RETRY_WAIT = "retry_wait"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Job(ProjectOwned, Base):
    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_project_id_id", "project_id", "id"),
        Index("ix_jobs_asset_id", "asset_id"),
    )

    id: Mapped[Id]
    asset_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey("assets.id", ondelete="CASCADE")
    )
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[JobState] = mapped_column(Words(JobState))
    priority: Mapped[int] = mapped_column(Integer)
    correlation_id: Mapped[str] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text, comment="W3C Trace Context.")
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Task(ProjectOwned, Base):
    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_project_id_id", "project_id", "id"),
        Index("ix_tasks_job_id", "job_id"),
        Index("ix_tasks_asset_id", "asset_id"),
        # The claim walks the projects that have work, then each one's best rows.
        Index(
            "ix_tasks_claim",
            "queue",
            "project_id",
            text("priority DESC"),
            "id",
            postgresql_where="state = 'ready'",
        ),
        Index(
            "ix_tasks_due",
            "run_at",
            postgresql_where="state IN ('pending', 'retry_wait') AND blockers = 0",
        ),
        Index("ix_tasks_leased", "lease_until", postgresql_where="state = 'leased'"),
        Index("ix_tasks_running", "project_id", "queue", postgresql_where="state = 'leased'"),
        Index(
            "ix_tasks_deadline_at_open",
            "deadline_at",
            postgresql_where="state IN ('pending', 'ready', 'leased', 'retry_wait')",
        ),
        Index(
            "ix_tasks_unrung",
            text("priority DESC"),
            "id",
            postgresql_where="state = 'ready' AND rung_at IS NULL",
        ),
        Index("ix_tasks_dead", "project_id", "id", postgresql_where="state = 'dead'"),
        CheckConstraint("blockers >= 0", name="blockers_not_negative"),
        CheckConstraint(
            "(state = 'leased') = (lease_until IS NOT NULL)", name="lease_only_while_leased"
        ),
    )

    id: Mapped[Id]
    job_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("jobs.id", ondelete="CASCADE")
    )
    asset_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey("assets.id", ondelete="CASCADE")
    )
    parent_id: Mapped[str | None] = mapped_column(
        Text(collation="C"), ForeignKey("tasks.id", ondelete="SET NULL")
    )
    kind: Mapped[str] = mapped_column(Text, comment="The actor's name.")
    queue: Mapped[str] = mapped_column(Text)
    state: Mapped[TaskState] = mapped_column(Words(TaskState))
    priority: Mapped[int] = mapped_column(Integer, comment="Higher runs first.")
    blockers: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="Tasks before this one that have not succeeded."
    )
    attempt: Mapped[int] = mapped_column(Integer, server_default="0")
    max_attempts: Mapped[int] = mapped_column(Integer, server_default="5")
    timeout_seconds: Mapped[float] = mapped_column(Double, comment="Of one attempt.")
    outage_since: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        comment="From when on all attempts failed because the object store was away.",
    )
    run_at: Mapped[Created] = mapped_column(comment="Not before.")
    deadline_at: Mapped[Instant] = mapped_column(comment="When this state is overdue.")
    rung_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True),
        comment="When a queue took the message for this ready task; empty: none has yet.",
    )
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    leased_by: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    args: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    result: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    progress: Mapped[float] = mapped_column(Double, server_default="0", comment="0 to 1.")
    eta_seconds: Mapped[float | None] = mapped_column(Double)
    error_code: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    log_tail: Mapped[str | None] = mapped_column(Text)
    correlation_id: Mapped[str] = mapped_column(Text)
    traceparent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TaskDependency(ProjectOwned, Base):
    """`task_id` waits until `depends_on_id` has succeeded."""

    __tablename__ = "task_dependencies"
    __table_args__ = (Index("ix_task_dependencies_depends_on_id", "depends_on_id"),)

    task_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True
    )
    depends_on_id: Mapped[str] = mapped_column(
        Text(collation="C"), ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True
    )
