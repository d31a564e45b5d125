"""Reading jobs and tasks."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.paging import Page, fetch_page
from app.jobs.models import Job, JobState, Task, TaskDependency, TaskState
from app.jobs.schemas import JobDetail, JobView, TaskNode, TaskView
from app.jobs.service import get_job, tasks_of


async def list_jobs(
    tx: AsyncSession,
    *,
    state: JobState | None,
    asset_id: str | None,
    limit: int,
    cursor: str | None,
) -> Page[JobView]:
    """The project's jobs, newest first.

    Raises:
        Invalid: cursor_invalid.
    """
    query = select(Job)
    if state is not None:
        query = query.where(Job.state == state)
    if asset_id is not None:
        query = query.where(Job.asset_id == asset_id)
    rows, next_cursor = await fetch_page(
        tx,
        query,
        keys=((Job.id, str),),
        limit=limit,
        cursor=cursor,
        order=f"jobs {state} {asset_id}",
        descending=True,
    )
    return Page([JobView.of(row) for row in rows], next_cursor)


async def get_job_detail(tx: AsyncSession, job_id: str) -> JobDetail:
    """A job with its tasks as a tree.

    Raises:
        NotFound: job_not_found.
    """
    job = await get_job(tx, job_id)
    tasks = await tasks_of(tx, job_id)
    links = await tx.execute(
        select(TaskDependency.task_id, TaskDependency.depends_on_id)
        .where(TaskDependency.task_id.in_([task.id for task in tasks]))
        .order_by(TaskDependency.depends_on_id)
    )
    after: dict[str, list[str]] = {}
    for task_id, depends_on_id in links:
        after.setdefault(task_id, []).append(depends_on_id)
    return JobDetail.of(job, tasks=_tree(tasks, after))


def _tree(tasks: Sequence[Task], after: dict[str, list[str]]) -> list[TaskNode]:
    """The tasks without a parent among them, each with its children, oldest first."""
    present = {task.id for task in tasks}
    of_parent: dict[str | None, list[Task]] = {}
    for task in tasks:
        parent = task.parent_id if task.parent_id in present else None
        of_parent.setdefault(parent, []).append(task)

    def nodes(parent: str | None) -> list[TaskNode]:
        return [
            TaskNode.of(task, after=after.get(task.id, []), children=nodes(task.id))
            for task in of_parent.get(parent, [])
        ]

    return nodes(None)


async def list_dead_letters(tx: AsyncSession, *, limit: int, cursor: str | None) -> Page[TaskView]:
    """Tasks that ran out of attempts or have the input's fault, newest first.

    Raises:
        Invalid: cursor_invalid.
    """
    rows, next_cursor = await fetch_page(
        tx,
        select(Task).where(Task.state == TaskState.DEAD),
        keys=((Task.id, str),),
        limit=limit,
        cursor=cursor,
        order="dead letters",
        descending=True,
    )
    return Page([TaskView.of(row) for row in rows], next_cursor)
