"""procrastinate beside ours: the same number of no-op tasks, in a database of its own.

Run as a program, it works off what was deferred and prints the seconds that took as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import procrastinate

from tests.bench.installation import Installation, other_database, plain
from tests.bench.pairs import Sample
from tests.bench.programs import running


def make_app(dsn: str) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(conninfo=dsn)
    app = procrastinate.App(connector=connector)
    app.task(name="noop")(_noop)
    return app


async def _noop() -> None:
    return


async def prepare(
    installation: Installation, count: int, slots: int
) -> Callable[[], Awaitable[Sample]]:
    """Makes the database with procrastinate's schema; the result is one run."""
    name = await installation.create_database(migrated=False)
    dsn = other_database(plain(installation.postgres.admin_url()), name)
    async with make_app(dsn).open_async() as app:
        await app.schema_manager.apply_schema_async()

    async def run() -> Sample:
        await installation.execute("TRUNCATE procrastinate_jobs CASCADE", database=name)
        async with make_app(dsn).open_async() as app:
            await app.configure_task("noop").batch_defer_async(*({} for _ in range(count)))
        before = installation.postgres_cpu_seconds()
        output = installation.folder / "procrastinate.log"
        module = ["tests.bench.procrastinate_runs", dsn, str(slots)]
        with running(module, {}, output) as program:
            await asyncio.to_thread(program.process.wait, 300)
        said = json.loads(output.read_text().splitlines()[-1])
        return Sample(
            count / said["seconds"],
            said["cpu_seconds"],
            installation.postgres_cpu_seconds() - before,
        )

    return run


async def work(dsn: str, slots: int) -> None:
    async with make_app(dsn).open_async() as app:
        began, cpu_before = time.perf_counter(), time.process_time()
        await app.run_worker_async(concurrency=slots, wait=False, install_signal_handlers=False)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu}))


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2])))
