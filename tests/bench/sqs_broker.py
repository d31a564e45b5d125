"""Tasks over SQS, ours and dramatiq-sqs's, on one ElasticMQ.

A is a worker process as it is run in earnest with SPOOL_QUEUE=sqs: a row per task, the wake relay
that sends its message, the claim, the success that is written down, the message deleted. B is a
worker of dramatiq-sqs with as many threads: the message is all there is. Both begin with nothing
and end when the last message is gone, so the clock holds the enqueuing too, by four at once on
either side: Dramatiq sends messages one by one, Spool commits a job's ten tasks at a time.

Then, one task at a time and idle in between, from enqueuing to the first line of the actor.

    python -m tests.bench.sqs_broker [--pairs 5] [--quick]
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import patch

import asyncpg

from app.foundation.db.database import Database
from app.foundation.sqs import Sqs
from app.jobs.queue_names import Band, queue_name
from app.jobs.queues import make_sqs
from app.jobs.service import NewTask, create_job, submit
from tests.bench.dramatiq_sqs_runs import Theirs, declare, make_broker, running_theirs
from tests.bench.installation import Installation, install
from tests.bench.p6_wake import Stamps, one_task
from tests.bench.pairs import (
    Comparison,
    Figure,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
    percentile,
)
from tests.bench.programs import Program, running_worker
from tests.bench.report import run_alone
from tests.servers.elasticmq import elasticmq

SLOTS = 32
_TASKS = 1500
_TASKS_OF_A_JOB = 10
_ENQUEUERS = 4
_SAMPLES = 150
_POLL_SECONDS = 0.02
_MOST_SECONDS = 120
# Long polls wait for seconds: within such a pause neither side has more than begun to sleep.
_PAUSE_SECONDS = (0.05, 0.3)
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


async def run(options: Options) -> Report:
    count = options.scaled(_TASKS, 100)
    samples = options.scaled(_SAMPLES, 10)
    async with install() as installation, installation.database() as database:
        project = await installation.add_project()
        with _server(installation) as url:
            ours_environment = {
                "SPOOL_QUEUE": "sqs",
                "SPOOL_SQS_ENDPOINT_URL": url,
                "SPOOL_SQS_CREATE_QUEUES": "true",
                "SPOOL_WORKER_LIGHT_SLOTS": str(SLOTS),
                "SPOOL_WORKER_ENCODE_SLOTS": "0",
                **_CREDENTIALS,
            }
            broker = make_broker(url, _ENQUEUERS)
            theirs = declare(broker)
            sqs = _open(installation, url)
            with running_theirs(installation, url, SLOTS, _CREDENTIALS) as their_worker:
                with running_worker(installation, **ours_environment) as worker:
                    ours_once = _ours(installation, database, project, worker, sqs, count)
                    theirs_once = _theirs(installation, theirs, their_worker, sqs, count)
                    for side in (ours_once, theirs_once):  # so that the server is warm, and both
                        await side()
                    pairs = paired(*await in_turn(options.pairs, ours_once, theirs_once))
                with running_worker(
                    installation,
                    module="tests.bench.stamping_worker",
                    # Queues of its own: ElasticMQ goes on handing messages to the polls of a
                    # worker that has ended, until they are over.
                    SPOOL_SQS_QUEUE_PREFIX="idle",
                    **ours_environment,
                ) as worker:
                    latencies = await _latencies(
                        database, project, Stamps(worker), theirs, Stamps(their_worker), samples
                    )
            sqs.close()
            broker.close()
    what, unit = f"{count} no-op tasks over SQS", "tasks/s"
    return Report(
        "SQS",
        "Enqueue to start over SQS, idle",
        [Comparison("SQS", what, "Spool", "dramatiq-sqs", unit, pairs)],
        _figures(*latencies),
        [f"{SLOTS} slots or threads, {_ENQUEUERS} enqueuers; CPU is of worker and enqueuers."],
    )


@contextmanager
def _server(installation: Installation) -> Iterator[str]:
    """A server for whoever has the credentials that are set meanwhile."""
    folder = installation.folder / "elasticmq"
    folder.mkdir()
    with patch.dict(os.environ, _CREDENTIALS), elasticmq(folder) as url:
        yield url


def _open(installation: Installation, url: str) -> Sqs:
    return make_sqs(
        installation.settings.model_copy(update={"queue": "sqs", "sqs_endpoint_url": url}),
        connections=2,
    )


def _ours(
    installation: Installation,
    database: Database,
    project_id: str,
    worker: Program,
    sqs: Sqs,
    count: int,
) -> Callable[[], Awaitable[Sample]]:
    name = queue_name(installation.settings.sqs_queue_prefix, "light", Band.NORMAL)

    async def enqueue(jobs: int) -> None:
        for _ in range(jobs):
            async with database.project(project_id) as tx:
                job = await create_job(tx, project_id=project_id, kind="bench")
                await submit(
                    tx, job, [NewTask("noop", name=f"n{n}") for n in range(_TASKS_OF_A_JOB)]
                )

    async def once() -> Sample:
        await installation.execute("TRUNCATE jobs, tasks, task_dependencies")
        clock = _Clock(installation, worker)
        jobs = count // _TASKS_OF_A_JOB
        await asyncio.gather(*(enqueue(share) for share in _shares(jobs)))
        await _until_all_succeeded(installation, count)
        await _until_empty(sqs, name)
        return clock.sample(count)

    return once


def _theirs(
    installation: Installation, theirs: Theirs, worker: Program, sqs: Sqs, count: int
) -> Callable[[], Awaitable[Sample]]:
    threads = ThreadPoolExecutor(_ENQUEUERS)

    def enqueue(messages: int) -> None:
        for _ in range(messages):
            theirs.noop()

    async def once() -> Sample:
        clock = _Clock(installation, worker)
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(threads, enqueue, share) for share in _shares(count))
        )
        await _until_empty(sqs, theirs.queue_name)
        return clock.sample(count)

    return once


class _Clock:
    """Runs from now; counts the CPU time of one side's worker, and of this process, its client."""

    def __init__(self, installation: Installation, worker: Program) -> None:
        self._installation = installation
        self._worker = worker
        self._before = self._read()

    def _read(self) -> tuple[float, float, float]:
        cpu = self._worker.cpu_seconds() + time.process_time()
        return time.monotonic(), cpu, self._installation.postgres_cpu_seconds()

    def sample(self, count: int) -> Sample:
        seconds, cpu, postgres = (
            now - before for now, before in zip(self._read(), self._before, strict=True)
        )
        return Sample(count / seconds, cpu, postgres)


def _shares(count: int) -> list[int]:
    return [len(range(first, count, _ENQUEUERS)) for first in range(_ENQUEUERS)]


async def _until_all_succeeded(installation: Installation, count: int) -> None:
    connection = await asyncpg.connect(installation.admin_dsn)
    deadline = time.monotonic() + _MOST_SECONDS
    try:
        while (done := await connection.fetchval(_SUCCEEDED)) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{done} of {count} tasks have succeeded in time")
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        await connection.close()


_SUCCEEDED = "SELECT count(*) FROM tasks WHERE state = 'succeeded' AND attempt = 1"


async def _until_empty(sqs: Sqs, name: str) -> None:
    """Returns when the queue has no message left, neither waiting nor received."""
    deadline = time.monotonic() + _MOST_SECONDS
    while left := (await asyncio.to_thread(sqs.depth, name)).total:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{left} messages are left in {name}")
        await asyncio.sleep(_POLL_SECONDS)


async def _latencies(
    database: Database,
    project_id: str,
    our_stamps: Stamps,
    theirs: Theirs,
    their_stamps: Stamps,
    samples: int,
) -> tuple[list[float], list[float]]:
    """Seconds from enqueuing to the actor's first line: ours and theirs, in turn."""
    ours, others = [], []
    for number in range(samples + 3):
        await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311  # no secret
        sent, _, began = await one_task(database, project_id, our_stamps)
        ours.append(began - sent)
        await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311  # no secret
        name = f"tsk_{number}"
        called = time.monotonic()
        await asyncio.to_thread(theirs.stamp, name)
        others.append(await their_stamps.of(name) - called)
    return ours[3:], others[3:]  # the first ones fill caches


def _figures(ours: list[float], theirs: list[float]) -> list[Figure]:
    figures = [
        Figure("SQS", f"{name}, p{percent}", "ms", percentile(values, percent) * 1000, len(values))
        for name, values in (
            ("Spool: COMMIT sent → first line", ours),
            ("dramatiq-sqs: send() called → first line", theirs),
        )
        for percent in (50, 99)
    ]
    for percent in (50, 99):
        ratio = percentile(ours, percent) / percentile(theirs, percent)
        figures.append(Figure("SQS", f"p{percent} ÷ p{percent}", "", ratio, len(ours)))
    return figures


if __name__ == "__main__":
    run_alone(run)
