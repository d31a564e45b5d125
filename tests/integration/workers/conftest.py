import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.jobs import service
from app.jobs.models import Task, TaskState
from app.jobs.queues import create_queues, make_sqs
from app.jobs.service import NewTask
from app.settings import Settings
from tests.integration.workers.process_environment import environment_of
from tests.integration.workers.sqs_side import SqsSide
from workers.process import WorkerProcess
from workers.registry import ActorFunction, ActorSet

StartWorker = Callable[..., WorkerProcess]
StartProcess = Callable[..., "subprocess.Popen[bytes]"]
Submit = Callable[..., Awaitable[dict[str, str]]]
Await = Callable[..., Awaitable[Task]]
Until = Callable[..., Awaitable[None]]


@pytest.fixture
def sqs_side(settings: Settings, elasticmq_url: str, aws_credentials: None) -> Iterator[SqsSide]:
    """Queues that nobody else uses, and the settings of who uses them."""
    mine = settings.model_copy(
        update={
            "queue": "sqs",
            "sqs_endpoint_url": elasticmq_url,
            "sqs_queue_prefix": f"t{random_id(12)}",
            "sqs_create_queues": True,
            "sqs_wait_seconds": 2,
        }
    )
    sqs = make_sqs(mine, connections=4)
    create_queues(sqs, mine)
    yield SqsSide(sqs, mine)
    sqs.close()


@pytest.fixture
def start_sqs_worker(sqs_side: SqsSide, start_worker: StartWorker) -> StartWorker:
    def start(*functions: ActorFunction, **changes: object) -> WorkerProcess:
        return start_worker(*functions, base=sqs_side.settings, **changes)

    return start


@pytest.fixture
def start_worker(settings: Settings) -> Iterator[StartWorker]:
    """Starts workers in this process, with actors of the test's own under names of kinds."""
    running: list[WorkerProcess] = []

    def start(
        *functions: ActorFunction, base: Settings = settings, **changes: object
    ) -> WorkerProcess:
        if running:
            raise RuntimeError("Dramatiq runs one worker per process")
        worker = WorkerProcess(base.model_copy(update=changes), ActorSet(*functions))
        worker.start()
        running.append(worker)
        return worker

    yield start
    for worker in running:
        worker.stop()


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Starts Python with arguments and `settings`, in processes that end with the test.

    `under` is what runs it, such as `faketime`. What they say is in `process.log` in the test's
    folder.
    """
    with ExitStack() as ends:
        log = ends.enter_context((tmp_path / "process.log").open("wb"))

        def start(
            *arguments: str, settings: Settings, under: Sequence[str] = ()
        ) -> "subprocess.Popen[bytes]":
            process = subprocess.Popen(
                [*under, sys.executable, *arguments],
                env=environment_of(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[3],
            )
            ends.enter_context(process)
            ends.callback(process.kill)
            return process

        yield start


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
