"""Workers whose clocks are five minutes wrong, one ahead and one behind: R11.

Who orders work is the database's clock; within a process it is the monotonic one.
"""

import re
import shutil
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.foundation.db.database import Database
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Await, StartProcess, Submit, Until
from tests.integration.workers.sqs_side import SqsSide

_WRONG_SECONDS = 300
_LEASE_SECONDS = 2
_WORKER = """
import asyncio, ctypes, os, threading, time
# Who is killed with the test is faketime, and PR_SET_PDEATHSIG (1) has SIGKILL (9) follow it.
ctypes.CDLL(None).prctl(1, 9)
# faketime leaves the monotonic clock alone, and then refuses to sleep by it.
time.sleep = lambda seconds: threading.Event().wait(seconds)
from app.settings import load_settings
from workers.process import WorkerProcess
from workers.registry import ActorSet

async def noop(work):
    print("ran", work.lease.id, os.getpid(), flush=True)
    if work.args.get("fails") and work.lease.attempt == 1:
        raise OSError("once")
    await asyncio.sleep(work.args.get("seconds", 0))

WorkerProcess(load_settings(), ActorSet(noop)).start()
print("clock", time.time(), flush=True)
threading.Event().wait()
"""


async def test_a_clock_that_is_wrong_loses_no_lease_and_runs_nothing_twice_or_too_early(
    sqs_side: SqsSide,
    start_process: StartProcess,
    submit: Submit,
    reaches: Await,
    until: Until,
    database: Database,
    project_id: str,
    tmp_path: Path,
) -> None:
    if shutil.which("faketime") is None:
        pytest.skip("faketime is not installed")
    settings = sqs_side.settings.model_copy(
        update={"lease_seconds": _LEASE_SECONDS, "worker_light_slots": 1}
    )
    for wrong in (_WRONG_SECONDS, -_WRONG_SECONDS):
        start_process(
            *("-uc", _WORKER),
            settings=settings,
            under=["faketime", "--exclude-monotonic", "-f", f"{wrong:+}s"],
        )
    log = tmp_path / "process.log"

    def said(what: str) -> list[str]:
        return re.findall(rf"^{what}$", log.read_text(), re.MULTILINE)

    await until(lambda: len(said("clock (.+)")) == 2, 60)
    wrongs = sorted(float(clock) - time.time() for clock in said("clock (.+)"))
    assert [round(each / _WRONG_SECONDS) for each in wrongs] == [-1, 1]
    # Twice the length of a lease, one with each worker.
    long = await submit(*(NewTask("noop", {"seconds": 4}, name=f"long{n}") for n in range(2)))
    await until(lambda: len(said("ran (.+)")) == 2)
    assert len(set(said(r"ran \S+ (.+)"))) == 2
    others = await submit(
        *(NewTask("noop", name=f"n{n}") for n in range(10)),
        *(NewTask("noop", name=f"d{n}", delay=timedelta(seconds=1)) for n in range(4)),
        NewTask("noop", {"fails": True}, name="fails"),
    )
    for task_id in (*long.values(), *others.values()):
        await reaches(task_id, TaskState.SUCCEEDED, seconds=30)
    async with database.project(project_id) as tx:
        tasks = list(await tx.scalars(select(Task)))
    for task in tasks:
        assert task.attempt == (2 if task.id == others["fails"] else 1)
        assert task.started_at
        assert task.started_at >= task.run_at
    assert Counter(said(r"ran (\S+) .+")) == {task.id: task.attempt for task in tasks}
    assert "lease_lost" not in log.read_text()
    assert "task.stopped" not in log.read_text()
    await until(lambda: sqs_side.total() == 0)
    assert sqs_side.total(dead=True) == 0
