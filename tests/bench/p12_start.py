"""P12: how soon a worker works, and how soon it lets go.

The first is from exec of `python -m workers.main`, imports and all, to `started_at` of a task that
was waiting, by the same machine's clock. The second is from SIGTERM in the middle of an encode to
the moment when its row is ready for another worker.

    python -m tests.bench.p12_start [--pairs 5] [--quick]
"""

import asyncio
import signal
import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, select

from app.foundation.db.database import Database
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask, create_job, submit
from tests.bench.clip import cut_clip
from tests.bench.installation import Installation, install
from tests.bench.pairs import Figure, Goal, Options, Report, percentile
from tests.bench.programs import running, running_api
from tests.bench.report import run_alone
from tests.bench.uploading import api_client, make_key, upload
from workers.pipeline.ffmpeg import find_ffmpeg

_POLL_SECONDS = 0.01
_CLIP_SECONDS = 60


async def run(options: Options) -> Report:
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            starts = [
                await _start_once(installation, database, project) for _ in range(options.pairs)
            ]
            stops, exits = [], []
            clip = installation.folder / "clip.mp4"
            cut_clip(find_ffmpeg(), options.scaled(_CLIP_SECONDS, 10), clip)
            key = await make_key(database, project)
            with running_api(installation) as (_, url), api_client(url, key) as api:
                await asyncio.to_thread(upload, api, installation.folder, clip)
                for _ in range(options.pairs):
                    handed_back, gone = await _stop_once(installation, database, project)
                    stops.append(handed_back)
                    exits.append(gone)
    report = Report("P12", "Start and stop of a worker")
    for name, values, goal in (
        ("exec → first claim", starts, Goal("≤", 1.0)),
        ("SIGTERM in an encode → task ready", stops, Goal("≤", 5.0)),
        ("SIGTERM in an encode → process gone", exits, None),
    ):
        for what, value in (("median", percentile(values, 50)), ("worst", max(values))):
            report.figures.append(Figure("P12", f"{name}, {what}", "s", value, len(values), goal))
    return report


async def _start_once(installation: Installation, database: Database, project_id: str) -> float:
    async with database.project(project_id) as tx:
        job = await create_job(tx, project_id=project_id, kind="bench")
        ids = await submit(tx, job, [NewTask("noop")])
    environment = installation.environment()
    began = time.time()
    with running(["workers.main"], environment, installation.folder / "worker.log"):
        task = await _until(
            database, project_id, Task.id == ids["noop"], lambda task: task.started_at is not None
        )
    if task.started_at is None:
        raise RuntimeError("it has not started")
    return task.started_at.timestamp() - began


async def _stop_once(
    installation: Installation, database: Database, project_id: str
) -> tuple[float, float]:
    """Seconds from SIGTERM until the encode is ready again, and until the process has ended."""
    encoding = Task.kind == "encode"
    output = installation.folder / "worker.log"
    with running(["workers.main"], installation.environment(), output) as worker:
        await _until(
            database,
            project_id,
            encoding,
            lambda task: task.state is TaskState.LEASED and task.progress > 0,
            seconds=120,
        )
        worker.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        await _until(database, project_id, encoding, lambda task: task.state is TaskState.READY)
        handed_back = time.monotonic() - began
        await asyncio.to_thread(worker.process.wait, 20)
        gone = time.monotonic() - began
    # What it had shown of its progress would pass for the next worker's.
    await installation.execute("UPDATE tasks SET progress = 0 WHERE kind = 'encode'")
    return handed_back, gone


async def _until(
    database: Database,
    project_id: str,
    which: ColumnElement[bool],
    condition: Callable[[Task], bool],
    seconds: float = 30,
) -> Task:
    deadline = time.monotonic() + seconds
    while True:
        async with database.project(project_id) as tx:
            task = (await tx.execute(select(Task).where(which))).scalar_one_or_none()
        if task is not None and condition(task):
            return task
        if time.monotonic() > deadline:
            raise RuntimeError(f"it never came to that: {task and task.state}")
        await asyncio.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    run_alone(run)
