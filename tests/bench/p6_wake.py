"""P6: from the commit that makes a task ready to the first line of its actor, when all is idle.

One task at a time, each when the one before has ended. The clock starts right before COMMIT is
sent, so the figure holds the commit's own flush to disk; and once more when the commit has been
acknowledged. Beside it, in turn, a NOTIFY between two asyncpg connections: bare, which flushes
nothing, and in a transaction that writes a row, which flushes as ours does.

    python -m tests.bench.p6_wake [--quick]
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.foundation.db.database import Database
from app.jobs.service import NewTask, create_job, submit
from tests.bench.installation import Installation, install
from tests.bench.pairs import Figure, Goal, Options, Report, percentile
from tests.bench.programs import Program, running_worker
from tests.bench.report import run_alone

_SAMPLES = 400
_POLL_SECONDS = 0.001
# Long enough for the worker to have nothing more to do, and never in step with its own rounds.
_PAUSE_SECONDS = (0.02, 0.08)


async def run(options: Options) -> Report:
    samples = options.scaled(_SAMPLES, 20)
    from_commit, from_answer, bare, durable = [], [], [], []
    async with install() as installation:
        project = await installation.add_project()
        with running_worker(installation, module="tests.bench.stamping_worker") as worker:
            async with installation.database() as database, _bell(installation) as bell:
                stamps = Stamps(worker)
                for number in range(samples + 3):
                    await asyncio.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311  # no secret
                    sent, answered, began = await one_task(database, project, stamps)
                    notified = await bell.ring(durable=False)
                    written = await bell.ring(durable=True)
                    if number >= 3:  # the first ones fill caches
                        from_commit.append(began - sent)
                        from_answer.append(began - answered)
                        bare.append(notified)
                        durable.append(written)
    report = Report("P6", "Enqueue to start, idle")
    for name, values in (
        ("COMMIT sent → first line of the actor", from_commit),
        ("COMMIT acknowledged → first line", from_answer),
        ("bare NOTIFY → heard", bare),
        ("NOTIFY with a row written, COMMIT sent → heard", durable),
    ):
        goals = (Goal("≤", 5), Goal("≤", 25)) if values is from_commit else (None, None)
        for percent, goal in zip((50, 99), goals, strict=True):
            milliseconds = percentile(values, percent) * 1000
            report.figures.append(
                Figure("P6", f"{name}, p{percent}", "ms", milliseconds, len(values), goal)
            )
    for name, values, goal in (
        ("p50 ÷ p50 of the bare NOTIFY", bare, Goal("≤", 2)),
        ("p50 ÷ p50 of the NOTIFY with a row written", durable, None),
    ):
        ratio = percentile(from_commit, 50) / percentile(values, 50)
        report.figures.append(Figure("P6", name, "", ratio, len(values), goal))
    return report


class Stamps:
    """What the worker has written, read as it comes."""

    def __init__(self, worker: Program) -> None:
        self._worker = worker
        self._offset = 0
        self._found: dict[str, int] = {}

    async def of(self, task_id: str, seconds: float = 10) -> float:
        """When the task began, in seconds of the monotonic clock."""
        deadline = time.monotonic() + seconds
        while task_id not in self._found:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{task_id} never began:\n{self._worker.last_words()}")
            await asyncio.sleep(_POLL_SECONDS)
            self._read()
        return self._found.pop(task_id) / 1e9

    def _read(self) -> None:
        with self._worker.output.open("rb") as output:
            output.seek(self._offset)
            for line in output:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                stamp, _, task_id = line.decode().strip().partition(" ")
                if task_id.startswith("tsk_"):
                    self._found[task_id] = int(stamp)


async def one_task(
    database: Database, project_id: str, stamps: Stamps
) -> tuple[float, float, float]:
    """When COMMIT was sent, when it was acknowledged, when the actor began."""
    async with database.project(project_id) as tx:
        job = await create_job(tx, project_id=project_id, kind="bench")
        ids = await submit(tx, job, [NewTask("noop")])
        sent = time.monotonic()
    answered = time.monotonic()
    return sent, answered, await stamps.of(ids["noop"])


class _Bell:
    """Two connections: one rings, the other listens."""

    def __init__(
        self,
        ringer: "asyncpg.Connection[asyncpg.Record]",
        heard: "asyncio.Queue[float]",
    ) -> None:
        self._ringer = ringer
        self._heard = heard

    async def ring(self, *, durable: bool) -> float:
        """Seconds from COMMIT (or the lone statement) to the listener's callback."""
        if durable:
            transaction = self._ringer.transaction()
            await transaction.start()
            await self._ringer.execute("INSERT INTO rung VALUES (1)")
            await self._ringer.execute("SELECT pg_notify('bench', '')")
            began = time.monotonic()
            await transaction.commit()
        else:
            began = time.monotonic()
            await self._ringer.execute("SELECT pg_notify('bench', '')")
        return await self._heard.get() - began


@asynccontextmanager
async def _bell(installation: Installation) -> AsyncIterator[_Bell]:
    heard: asyncio.Queue[float] = asyncio.Queue()
    ringer = await asyncpg.connect(installation.admin_dsn)
    listener = await asyncpg.connect(installation.admin_dsn)
    try:
        await ringer.execute("CREATE TABLE rung (n int)")
        await listener.add_listener("bench", lambda *_: heard.put_nowait(time.monotonic()))
        yield _Bell(ringer, heard)
    finally:
        await ringer.close()
        await listener.close()


if __name__ == "__main__":
    run_alone(run)
