from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.foundation.db.database import Database
from app.jobs import service
from app.jobs.claim import Lease, claim
from app.jobs.models import Task
from app.jobs.service import NewTask

Submit = Callable[..., Awaitable[dict[str, str]]]
Claim = Callable[..., Awaitable[list[Lease]]]
Load = Callable[[str, str], Awaitable[Task]]


@pytest.fixture
def submit(database: Database) -> Submit:
    async def submit(project_id: str, *tasks: NewTask, kind: str = "test") -> dict[str, str]:
        async with database.project(project_id) as tx:
            job = await service.create_job(tx, project_id=project_id, kind=kind)
            return await service.submit(tx, job, tasks)

    return submit


@pytest.fixture
def take(database: Database) -> Claim:
    async def take(
        limit: int = 10, *, queue: str = "light", worker: str = "w", seconds: float = 30
    ) -> list[Lease]:
        async with database.dispatch() as tx:
            return await claim(
                tx, queue, limit=limit, worker=worker, lease=timedelta(seconds=seconds)
            )

    return take


@pytest.fixture
def load(database: Database) -> Load:
    async def load(project_id: str, task_id: str) -> Task:
        async with database.project(project_id) as tx:
            return (await tx.execute(select(Task).where(Task.id == task_id))).scalar_one()

    return load
