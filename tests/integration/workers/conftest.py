import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from sqlalchemy import select

from app.foundation.db.database import Database
from app.jobs import service
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from app.settings import Settings
from workers.process import WorkerProcess
from workers.registry import ActorFunction, ActorSet

StartWorker = Callable[..., WorkerProcess]
Submit = Callable[..., Awaitable[dict[str, str]]]
Await = Callable[..., Awaitable[Task]]
Until = Callable[..., Awaitable[None]]


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[StartWorker]:
    """Starts workers in this process, with actors of the test's own under names of kinds."""
    running: list[WorkerProcess] = []

    def start(*functions: ActorFunction, **changes: object) -> WorkerProcess:
        if running:
            raise RuntimeError("Dramatiq runs one worker per process")
        worker = WorkerProcess(settings.model_copy(update=changes), ActorSet(*functions))
        worker.start()
        running.append(worker)
        return worker

    yield start
    for worker in running:
        worker.stop()


@pytest.fixture
def submit(database: Database, project_id: str) -> Submit:
    async def submit(*tasks: NewTask) -> dict[str, str]:
        async with database.project(project_id) as tx:
            job = await service.create_job(tx, project_id=project_id, kind="test")
            return await service.submit(tx, job, tasks)

    return submit


@pytest.fixture
def reaches(database: Database, project_id: str) -> Await:
    """Waits until a task is in one of the states, and gives its row."""

    async def reaches(
        task_id: str,
        *states: TaskState,
        when: Callable[[Task], bool] = lambda _: True,
        seconds: float = 15,
    ) -> Task:
        deadline = time.monotonic() + seconds
        while True:
            async with database.project(project_id) as tx:
                task = (await tx.execute(select(Task).where(Task.id == task_id))).scalar_one()
            if task.state in states and when(task):
                return task
            if time.monotonic() > deadline:
                raise AssertionError(f"the task is {task.state}: {task.error_message}")
            await asyncio.sleep(0.01)

    return reaches


@pytest.fixture
def until() -> Until:
    """Waits for a condition that nothing announces."""

    async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("it never came true")
            await asyncio.sleep(0.01)

    return until
