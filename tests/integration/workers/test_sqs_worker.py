"""Workers that SQS wakes: the queue is ElasticMQ, the truth is the table."""

import asyncio
import json
import random
import threading
import time
from datetime import timedelta

import pytest
from opentelemetry import context, trace
from sqlalchemy import func, select, update

from app.foundation.db.database import Database
from app.jobs.models import Task, TaskState
from app.jobs.queue_names import Band
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Await, StartWorker, Submit, Until
from tests.integration.workers.sqs_side import SqsSide
from workers.work import Work

_TEN_MINUTES = timedelta(minutes=10)


async def test_a_task_runs_and_its_message_is_gone(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, reaches: Await, until: Until
) -> None:
    async def noop(work: Work) -> None:
        await work.finish(result={"twice": work.args["n"] * 2})

    start_sqs_worker(noop)
    ids = await submit(NewTask("noop", args={"n": 21}))
    task = await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert (task.result, task.attempt) == ({"twice": 42}, 1)
    await until(lambda: sqs_side.total() == 0)


@pytest.mark.timeout(1500)
async def test_every_message_up_to_five_times_and_shuffled_is_each_task_once(
    start_sqs_worker: StartWorker,
    sqs_side: SqsSide,
    submit: Submit,
    database: Database,
    project_id: str,
    until: Until,
    pytestconfig: pytest.Config,
) -> None:
    """R3. One of each task's messages is the relay's, the others are sent here."""
    count: int = pytestconfig.getoption("--shuffled")
    ran: list[str] = []

    async def noop(work: Work) -> None:
        ran.append(work.lease.id)

    ids = list((await submit(*(NewTask("noop", name=f"n{n}") for n in range(count)))).values())
    chance = random.Random(3)  # noqa: S311  # shuffles
    copies = [task_id for task_id in ids for _ in range(chance.randint(0, 4))]
    chance.shuffle(copies)
    await asyncio.to_thread(sqs_side.wake_up, *copies)
    start_sqs_worker(noop, worker_light_slots=8)
    await until(lambda: len(set(ran)) == count, 15 + count / 20)
    await until(lambda: sqs_side.total() == 0, 15 + count / 20)
    async with database.project(project_id) as tx:
        states = (await tx.execute(select(Task.state, func.count()).group_by(Task.state))).all()
    print(f"R3: {count} tasks, {count + len(copies)} messages, {len(ran) - count} extra runs")
    assert states == [(TaskState.SUCCEEDED, count)]
    assert sorted(set(ran)) == sorted(ids)
    assert len(ran) - count <= count // 100
    assert sqs_side.total(dead=True) == 0


async def test_messages_for_what_cannot_run_are_deleted(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, until: Until
) -> None:
    async def noop(_work: Work) -> None:
        raise AssertionError("nothing of this is ready")

    ids = await submit(
        NewTask("encode", name="first"), NewTask("noop", after=["first"], name="later")
    )
    sqs_side.wake_up(ids["later"], "tsk_that_never_was")
    start_sqs_worker(noop, worker_encode_slots=0, worker_upkeep=False)
    await until(lambda: sqs_side.total() == 0)
    assert sqs_side.total(dead=True) == 0


async def test_the_most_urgent_band_goes_first(
    start_sqs_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    ran: list[str] = []

    async def noop(work: Work) -> None:
        ran.append(work.args["name"])

    ids = await submit(
        *(
            NewTask("noop", name=name, args={"name": name}, priority=priority)
            for name, priority in (("low", 20), ("normal", 50), ("high", 80))
        )
    )
    start_sqs_worker(noop, worker_light_slots=1)
    for task_id in ids.values():
        await reaches(task_id, TaskState.SUCCEEDED)
    assert sorted(ran) == sorted(ids)


async def test_a_worker_that_stops_hands_its_work_back_and_does_not_wait_for_its_poll(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, reaches: Await
) -> None:
    async def encode(_work: Work) -> None:
        await asyncio.Event().wait()

    worker = start_sqs_worker(encode, sqs_wait_seconds=20)
    ids = await submit(NewTask("encode"))
    await reaches(ids["encode"], TaskState.LEASED)
    began = time.monotonic()
    await asyncio.to_thread(worker.stop)
    assert time.monotonic() - began < 8
    task = await reaches(ids["encode"], TaskState.READY)
    assert (task.attempt, task.leased_by) == (0, None)
    assert sqs_side.sqs.depth(sqs_side.name("encode")).in_flight == 0


async def test_long_work_keeps_its_lease_and_its_message(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, reaches: Await, until: Until
) -> None:
    go_on = threading.Event()

    async def noop(_work: Work) -> None:
        await asyncio.to_thread(go_on.wait, 30)

    start_sqs_worker(noop, lease_seconds=2)
    ids = await submit(NewTask("noop"))
    first = await reaches(ids["noop"], TaskState.LEASED)
    assert first.lease_until is not None
    # Three leases later the message, hidden for one lease at a time, has not come back.
    until_then = first.lease_until.timestamp() + 4
    await reaches(
        ids["noop"],
        TaskState.LEASED,
        when=lambda task: bool(task.lease_until and task.lease_until.timestamp() > until_then),
    )
    depth = sqs_side.sqs.depth(sqs_side.name())
    assert (depth.visible, depth.in_flight) == (0, 1)
    go_on.set()
    assert (await reaches(ids["noop"], TaskState.SUCCEEDED)).attempt == 1
    await until(lambda: sqs_side.total() == 0)


async def test_work_whose_lease_is_lost_is_stopped_and_its_message_deleted(
    start_sqs_worker: StartWorker,
    sqs_side: SqsSide,
    submit: Submit,
    reaches: Await,
    database: Database,
    project_id: str,
    until: Until,
) -> None:
    stopped = threading.Event()

    async def noop(_work: Work) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    start_sqs_worker(noop, lease_seconds=2)
    ids = await submit(NewTask("noop"))
    await reaches(ids["noop"], TaskState.LEASED)
    async with database.project(project_id) as tx:
        await tx.execute(update(Task).values(fence=Task.fence + 1, leased_by="another"))
    assert await asyncio.to_thread(stopped.wait, 10)
    await until(lambda: sqs_side.total() == 0)


async def test_a_worker_takes_no_more_than_it_has_slots_for(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, reaches: Await, until: Until
) -> None:
    go_on = threading.Event()

    async def noop(_work: Work) -> None:
        await asyncio.to_thread(go_on.wait, 60)

    start_sqs_worker(noop, worker_light_slots=2)
    first = await submit(NewTask("noop", name="a"), NewTask("noop", name="b"))
    for task_id in first.values():
        await reaches(task_id, TaskState.LEASED)
    # Polls that began before the slots were taken bring these, and may not keep them.
    later = [
        *(await submit(*(NewTask("noop", name=f"n{n}", priority=50) for n in range(5)))).values(),
        *(await submit(*(NewTask("noop", name=f"h{n}", priority=80) for n in range(5)))).values(),
    ]
    await until(lambda: sqs_side.total() == 12)
    await until(
        lambda: sum(sqs_side.sqs.depth(sqs_side.name(band=band)).in_flight for band in Band) == 2
    )
    go_on.set()
    for task_id in later:
        await reaches(task_id, TaskState.SUCCEEDED)
    await until(lambda: sqs_side.total() == 0)
    assert sqs_side.total(dead=True) == 0


async def test_the_trace_and_the_correlation_id_are_in_the_message(
    start_sqs_worker: StartWorker, sqs_side: SqsSide, submit: Submit, until: Until
) -> None:
    request = trace.SpanContext(
        0xABC << 96, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1)
    )
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(request)))
    try:
        ids = await submit(NewTask("encode"))
    finally:
        context.detach(token)
    # No slots for it here: this worker only rings.
    start_sqs_worker(worker_encode_slots=0, trace_format="xray")
    await until(lambda: sqs_side.sqs.depth(sqs_side.name("encode")).visible == 1)
    [message] = sqs_side.take(sqs_side.name("encode"))
    assert json.loads(message.body) == {"task_id": ids["encode"], "kind": "encode"}
    assert message.attributes["traceparent"] == f"00-{0xABC << 96:032x}-{0xDEF:016x}-01"
    assert message.attributes["correlation_id"].startswith("cor_")
    assert message.trace_header == (
        "Root=1-00000abc-000000000000000000000000;Parent=0000000000000def;Sampled=1"
    )


async def test_a_message_that_got_lost_is_rung_again(
    start_sqs_worker: StartWorker,
    sqs_side: SqsSide,
    submit: Submit,
    reaches: Await,
    database: Database,
    project_id: str,
) -> None:
    ids = await submit(NewTask("noop"))
    async with database.project(project_id) as tx:
        # As if a message had left ten minutes ago, of which the queue knows nothing.
        await tx.execute(update(Task).values(rung_at=Task.created_at - _TEN_MINUTES))

    async def noop(_work: Work) -> None:
        return

    start_sqs_worker(noop)
    await reaches(ids["noop"], TaskState.SUCCEEDED)


async def test_a_row_that_stays_locked_is_rung_for_once_a_second_at_most(
    start_sqs_worker: StartWorker,
    sqs_side: SqsSide,
    submit: Submit,
    database: Database,
    project_id: str,
    until: Until,
) -> None:
    def rung(times: int) -> bool:
        return sqs_side.sqs.depth(sqs_side.name("encode")).visible >= times

    ids = await submit(NewTask("encode"))
    async with database.project(project_id) as tx:
        # As a claim has it, which has not been committed: it is ready, and cannot be marked.
        await tx.execute(select(Task.id).where(Task.id == ids["encode"]).with_for_update())
        start_sqs_worker(worker_encode_slots=0)
        await until(lambda: rung(1))
        first = time.monotonic()
        # The second one may be for the relay's own start.
        await until(lambda: rung(4))
    assert time.monotonic() - first > 1
