"""Workers that die, freeze or lose their database while they have messages of SQS."""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs

from app.foundation.db.database import Database
from app.jobs.models import TaskState
from app.jobs.service import NewTask
from app.local.postgres import LocalPostgres
from app.local.postgres_cluster import LOGIN
from tests.conftest import run_sql
from tests.integration.workers.conftest import Await, StartProcess, StartWorker, Submit, Until
from tests.integration.workers.sqs_side import SqsSide
from workers.sqs_receipts import Receipts
from workers.work import Work

_LEASE_SECONDS = 2
_NEVER_DONE = """
import asyncio, threading
from app.settings import load_settings
from workers.process import WorkerProcess
from workers.registry import ActorSet

async def noop(work):
    await asyncio.Event().wait()

WorkerProcess(load_settings(), ActorSet(noop)).start()
threading.Event().wait()
"""


async def test_a_killed_workers_task_is_done_by_another_once(
    sqs_side: SqsSide,
    start_process: StartProcess,
    start_sqs_worker: StartWorker,
    submit: Submit,
    reaches: Await,
    until: Until,
) -> None:
    ran: list[tuple[str, int]] = []

    async def noop(work: Work) -> None:
        ran.append((work.lease.id, work.lease.attempt))

    settings = sqs_side.settings.model_copy(update={"lease_seconds": _LEASE_SECONDS})
    first = start_process("-uc", _NEVER_DONE, settings=settings)
    ids = await submit(NewTask("noop"))
    leased = await reaches(ids["noop"], TaskState.LEASED, seconds=30)
    first.kill()
    first.wait()
    start_sqs_worker(noop, lease_seconds=_LEASE_SECONDS)
    done = await reaches(ids["noop"], TaskState.SUCCEEDED, seconds=30)
    assert leased.lease_until
    assert done.started_at
    assert done.started_at > leased.lease_until
    # The message that died with its worker comes back too, and is deleted.
    await until(lambda: sqs_side.total() == 0)
    assert ran == [(ids["noop"], 2)]
    assert sqs_side.total(dead=True) == 0


async def test_a_worker_that_wakes_up_too_late_does_not_disturb_who_has_its_task_now(
    sqs_side: SqsSide,
    start_process: StartProcess,
    start_sqs_worker: StartWorker,
    submit: Submit,
    reaches: Await,
    until: Until,
    tmp_path: Path,
) -> None:
    go_on = threading.Event()

    async def noop(work: Work) -> None:
        await asyncio.to_thread(go_on.wait, 60)
        await work.finish(result={"attempt": work.lease.attempt})

    # It rings for nobody: frozen, it would keep the relays' lock until the server ends it.
    settings = sqs_side.settings.model_copy(
        update={"lease_seconds": _LEASE_SECONDS, "worker_upkeep": False}
    )
    frozen = start_process("-uc", _NEVER_DONE, settings=settings)
    ids = await submit(NewTask("noop"))
    sqs_side.wake_up(ids["noop"])
    await reaches(ids["noop"], TaskState.LEASED, seconds=30)
    frozen.send_signal(signal.SIGSTOP)
    start_sqs_worker(noop, lease_seconds=_LEASE_SECONDS)
    await reaches(ids["noop"], TaskState.LEASED, when=lambda task: task.attempt == 2, seconds=30)
    frozen.send_signal(signal.SIGCONT)
    said = tmp_path / "process.log"
    await until(lambda: "task.stopped" in said.read_text(), seconds=30)
    go_on.set()
    done = await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert done.result == {"attempt": 2}
    await until(lambda: sqs_side.total() == 0)
    assert sqs_side.total(dead=True) == 0
    assert frozen.poll() is None


async def test_a_receipt_that_is_too_old_changes_nothing_and_stops_nobody(
    sqs_side: SqsSide, until: Until
) -> None:
    name = sqs_side.name()
    sqs_side.send("held by another")
    [old] = sqs_side.sqs.receive(name, most=1, wait_seconds=0, hidden_seconds=0)
    [new] = sqs_side.sqs.receive(name, most=1, wait_seconds=0, hidden_seconds=600)
    assert (new.id, new.receives) == (old.id, 2)
    sqs_side.send("mine")
    [mine] = sqs_side.take(name)
    receipts = Receipts(sqs_side.sqs)
    receipts.hide([old], 0)
    receipts.delete(old)
    receipts.delete(mine)
    receipts.close(10)
    depth = sqs_side.sqs.depth(name)
    assert (depth.visible, depth.in_flight) == (0, 1)
    assert sqs_side.sqs.delete(name, [new.receipt]) == 0
    await until(lambda: sqs_side.total() == 0)


@asynccontextmanager
async def database_away(postgres: LocalPostgres, database: Database) -> AsyncIterator[None]:
    """Every connection of the app is cut, and none let in."""
    await database.engine.dispose()
    await asyncio.to_thread(run_sql, postgres, f"ALTER ROLE {LOGIN} CONNECTION LIMIT 0")
    try:
        await asyncio.to_thread(
            run_sql,
            postgres,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # a constant
            f"WHERE usename = '{LOGIN}'",
        )
        yield
    finally:
        await asyncio.to_thread(run_sql, postgres, f"ALTER ROLE {LOGIN} CONNECTION LIMIT -1")


async def test_a_message_is_kept_from_others_while_the_database_is_away(
    sqs_side: SqsSide,
    start_sqs_worker: StartWorker,
    submit: Submit,
    reaches: Await,
    until: Until,
    postgres: LocalPostgres,
    database: Database,
) -> None:
    ran: list[str] = []

    async def noop(work: Work) -> None:
        ran.append(work.lease.id)

    ids = await submit(NewTask("noop"))
    # Nobody rings: what becomes of the one message becomes of the task.
    start_sqs_worker(noop, worker_upkeep=False, worker_light_slots=8, lease_seconds=4)
    name = sqs_side.name()
    with capture_logs() as said:
        async with database_away(postgres, database):
            sqs_side.wake_up(ids["noop"])
            await until(lambda: sqs_side.sqs.depth(name).in_flight == 1)
            over = time.monotonic() + 10
            while time.monotonic() < over:  # two leases and a half
                assert sqs_side.take(name) == []
                await asyncio.sleep(0.05)
    assert [each["event"] for each in said].count("claim.failed") == 1
    assert (await reaches(ids["noop"], TaskState.SUCCEEDED, seconds=30)).attempt == 1
    assert ran == [ids["noop"]]
    await until(lambda: sqs_side.total() == 0)
    assert sqs_side.total(dead=True) == 0
