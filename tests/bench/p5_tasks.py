"""P5: durable no-op tasks per second.

A is a worker process as it is run in earnest, with 32 light slots. B is the conversation that such
a worker has with PostgreSQL, recorded and then held again over bare asyncpg. Beside them runs
procrastinate with 32 tasks at once. All make the same number of tasks, which lie ready when the
clock starts, on the same server.

    python -m tests.bench.p5_tasks [--pairs 5] [--quick]
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg

from tests.bench import procrastinate_runs
from tests.bench.conversation import Replay, record
from tests.bench.installation import Installation, install, other_database, plain
from tests.bench.pairs import (
    Comparison,
    Goal,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
)
from tests.bench.programs import Program, running_worker
from tests.bench.report import run_alone

SLOTS = 32
_TASKS = 5000
_TASKS_OF_A_JOB = 10
_POLL_SECONDS = 0.05
_MOST_SECONDS = 120


class Tasks:
    """No-op tasks of one database, the same ids every time.

    Args:
        dsn: Of a superuser, since tasks of ten thousands of rows are made by one statement.
    """

    def __init__(self, dsn: str, project_id: str, count: int) -> None:
        self._dsn = dsn
        self._project_id = project_id
        self.count = count

    async def make_ready(self) -> None:
        """Nothing but these tasks, ready, in one commit that rings."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute("TRUNCATE jobs, tasks, task_dependencies")
            async with connection.transaction():
                await connection.execute(
                    _INSERT_JOBS, self.count // _TASKS_OF_A_JOB, self._project_id
                )
                await connection.execute(
                    _INSERT_TASKS, self.count, _TASKS_OF_A_JOB, self._project_id
                )
                await connection.execute("SELECT pg_notify('spool_tasks', 'light')")
        finally:
            await connection.close()

    async def seconds_until_done(self) -> float:
        """From the first claim to the last success, by the database's clock."""
        connection = await asyncpg.connect(self._dsn)
        deadline = time.monotonic() + _MOST_SECONDS
        try:
            while await connection.fetchval(_SOME_ARE_OPEN):
                if time.monotonic() > deadline:
                    raise RuntimeError("the tasks are not done in time")
                await asyncio.sleep(_POLL_SECONDS)
            seconds, done = await connection.fetchrow(_OUTCOME)
        finally:
            await connection.close()
        if done != self.count:
            raise RuntimeError(f"{done} of {self.count} tasks have succeeded")
        return float(seconds)


_INSERT_JOBS = """
INSERT INTO jobs (id, project_id, kind, state, priority, correlation_id)
SELECT 'job_' || lpad(n::text, 26, '0'), $2, 'bench', 'running', 50, 'bench'
FROM generate_series(0, $1::int - 1) AS n
"""
_INSERT_TASKS = """
INSERT INTO tasks (id, job_id, project_id, kind, queue, state, priority, timeout_seconds,
                   deadline_at, correlation_id)
SELECT 'tsk_' || lpad(n::text, 26, '0'), 'job_' || lpad((n / $2::int)::text, 26, '0'), $3,
       'noop', 'light', 'ready', 50, 60, clock_timestamp() + interval '6 hours', 'bench'
FROM generate_series(0, $1::int - 1) AS n
"""
_SOME_ARE_OPEN = "SELECT EXISTS (SELECT FROM tasks WHERE state IN ('ready', 'leased'))"
_OUTCOME = """
SELECT extract(epoch FROM max(finished_at) - min(started_at)),
       count(*) FILTER (WHERE state = 'succeeded' AND attempt = 1)
FROM tasks
"""


async def run(options: Options) -> Report:
    count = options.scaled(_TASKS, 200)
    async with install() as installation:
        project = await installation.add_project()
        tasks = Tasks(installation.admin_dsn, project, count)
        conversation = await record(installation, tasks.make_ready, tasks.seconds_until_done, SLOTS)
        database = await installation.create_database(migrated=True)
        await _copy_project(installation, database, project)
        same = Tasks(_dsn(installation.postgres.admin_url(), database), project, count)
        replay = Replay(_dsn(installation.postgres.app_url, database), conversation, SLOTS)
        await replay.connect()
        theirs_once = await procrastinate_runs.prepare(installation, count, SLOTS)
        slots = {"SPOOL_WORKER_LIGHT_SLOTS": str(SLOTS), "SPOOL_WORKER_ENCODE_SLOTS": "0"}
        with running_worker(installation, **slots) as worker:
            ours_once = _worker_side(installation, worker, tasks)
            bare_once = _replay_side(installation, replay, same)
            for side in (ours_once, bare_once):  # so that caches are filled on both
                await side()
            ours, bare, theirs = await in_turn(options.pairs, ours_once, bare_once, theirs_once)
        await replay.close()
    what, unit = f"{count} no-op tasks", "tasks/s"
    return Report(
        "P5",
        "Durable no-op tasks per second",
        [
            Comparison("P5", what, "Spool", "asyncpg", unit, paired(ours, bare), Goal("≥", 0.5)),
            Comparison(
                "P5", what, "Spool", "procrastinate", unit, paired(ours, theirs), Goal("≥", 5)
            ),
        ],
        notes=[f"{SLOTS} slots, jobs of {_TASKS_OF_A_JOB} tasks; {conversation.describe()}."],
    )


def _worker_side(
    installation: Installation, worker: Program, tasks: Tasks
) -> Callable[[], Awaitable[Sample]]:
    async def once() -> Sample:
        before = worker.cpu_seconds()
        await tasks.make_ready()
        postgres_before = installation.postgres_cpu_seconds()
        seconds = await tasks.seconds_until_done()
        return Sample(
            tasks.count / seconds,
            worker.cpu_seconds() - before,
            installation.postgres_cpu_seconds() - postgres_before,
        )

    return once


def _replay_side(
    installation: Installation, replay: Replay, tasks: Tasks
) -> Callable[[], Awaitable[Sample]]:
    async def once() -> Sample:
        await tasks.make_ready()
        postgres_before = installation.postgres_cpu_seconds()
        before = time.process_time()
        await replay.run()
        cpu_seconds = time.process_time() - before
        postgres_cpu_seconds = installation.postgres_cpu_seconds() - postgres_before
        return Sample(
            tasks.count / await tasks.seconds_until_done(), cpu_seconds, postgres_cpu_seconds
        )

    return once


async def _copy_project(installation: Installation, database: str, project_id: str) -> None:
    await installation.execute(
        "INSERT INTO organisations (id, name) VALUES ('org_bench', 'Bench')",
        "INSERT INTO projects (id, organisation_id, name) "
        f"VALUES ('{project_id}', 'org_bench', 'Bench')",
        database=database,
    )


def _dsn(url: str, database: str) -> str:
    return other_database(plain(url), database)


if __name__ == "__main__":
    run_alone(run)
