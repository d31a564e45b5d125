"""The queue is down, or its relay dies between sending and writing down that it has: R5.

`--messages 10000 --queue-down 60` are the sizes of the goal; the run of every day is short.
"""

import asyncio
import json
import signal
import time
from collections import Counter

import pytest
from sqlalchemy import ColumnElement, func, select, text

from app.foundation.db.database import Database
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from tests.integration.workers.conftest import StartProcess, StartWorker, Submit, Until
from tests.integration.workers.sqs_side import SqsSide
from tests.servers.fault_proxy import FaultProxy
from tests.servers.killing_proxy import KillingProxy
from workers.work import Work

_OF_A_JOB = 500


async def _submit_many(submit: Submit, count: int) -> set[str]:
    ids: set[str] = set()
    for first in range(0, count, _OF_A_JOB):
        names = range(first, min(first + _OF_A_JOB, count))
        ids.update((await submit(*(NewTask("noop", name=f"n{n}") for n in names))).values())
    return ids


async def _count(database: Database, project_id: str, *where: ColumnElement[bool]) -> int:
    async with database.project(project_id) as tx:
        return int(await tx.scalar(select(func.count()).select_from(Task).where(*where)) or 0)


@pytest.mark.timeout(1500)
async def test_a_relay_killed_between_send_and_mark_loses_nothing(
    sqs_side: SqsSide,
    submit: Submit,
    database: Database,
    project_id: str,
    start_process: StartProcess,
    pytestconfig: pytest.Config,
) -> None:
    count: int = pytestconfig.getoption("--messages")
    # A round is of 20 batches: killed in the middle of a round, and after one or two of them.
    kills = max(3, count // 500)
    ids = await _submit_many(submit, count)
    endpoint = sqs_side.settings.sqs_endpoint_url
    assert endpoint
    unrung = Task.rung_at.is_(None)
    with KillingProxy(endpoint, kill_each=7 if count < 10_000 else 47, most_kills=kills) as proxy:
        through = sqs_side.settings.model_copy(update={"sqs_endpoint_url": proxy.url})
        while left := await _count(database, project_id, unrung):
            relay = start_process("-m", "workers.relay", settings=through)
            proxy.victim = relay.pid
            while relay.poll() is None and left:
                await asyncio.sleep(0.05)
                left = await _count(database, project_id, unrung)
            if not left:
                break
            assert relay.wait() == -signal.SIGKILL
            sent = [json.loads(body)["task_id"] for body in proxy.killed_at[-1]]
            assert await _count(database, project_id, unrung, Task.id.in_(sent)) == len(sent)
    found: Counter[str] = Counter()
    while messages := sqs_side.sqs.receive(
        sqs_side.name(), most=10, wait_seconds=0, hidden_seconds=600
    ):
        found.update(json.loads(message.body)["task_id"] for message in messages)
    print(f"R5 relay: {len(proxy.killed_at)} kills, {found.total()} messages for {len(found)}")
    assert len(proxy.killed_at) == kills
    assert set(found) == ids
    # What had been sent and not marked was sent again.
    assert found.total() >= count + sum(len(batch) for batch in proxy.killed_at)


@pytest.mark.timeout(1500)
async def test_a_queue_that_is_down_for_a_while_loses_nothing(
    sqs_side: SqsSide,
    start_worker: StartWorker,
    submit: Submit,
    until: Until,
    database: Database,
    project_id: str,
    pytestconfig: pytest.Config,
) -> None:
    count: int = pytestconfig.getoption("--messages")
    down: float = pytestconfig.getoption("--queue-down")
    ran: Counter[str] = Counter()

    async def noop(work: Work) -> None:
        ran[work.lease.id] += 1

    with FaultProxy(*sqs_side.address, seed=5) as proxy:
        start_worker(
            noop,
            base=sqs_side.settings,
            sqs_endpoint_url=proxy.url,
            sqs_create_queues=False,
            worker_light_slots=16,
        )
        ids = await _submit_many(submit, count // 2)
        await until(lambda: len(ran) > count // 20)
        proxy.down = True
        began = time.monotonic()
        ids |= await _submit_many(submit, count - count // 2)
        await asyncio.sleep(max(0.0, began + down - time.monotonic()))
        undone = Task.state != TaskState.SUCCEEDED
        waiting = await _count(database, project_id, undone, Task.rung_at.is_(None))
        assert waiting >= count - count // 2
        assert proxy.counts["refused"] > 0
        proxy.down = False
        healed = time.monotonic()
        while await _count(database, project_id, undone):
            assert time.monotonic() - healed < 60 + count / 20
            await asyncio.sleep(0.2)
        seconds = time.monotonic() - healed
    print(f"R5 down {down:.0f} s: {len(ran)} of {count} ran, all done {seconds:.0f} s later")
    assert set(ran) == ids
    assert set(ran.values()) == {1}
    async with database.project(project_id) as tx:
        assert await tx.scalar(text("SELECT max(attempt) FROM tasks")) == 1
