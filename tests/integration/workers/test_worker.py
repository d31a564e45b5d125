import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import structlog
from opentelemetry import context, trace
from sqlalchemy import update

from app.foundation.db.database import Database
from app.jobs import control
from app.jobs.models import Task, TaskState
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Await, StartWorker, Submit, Until
from workers.pipeline.errors import BadInput
from workers.work import Work


async def test_a_task_runs_and_its_result_is_kept(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    async def noop(work: Work) -> None:
        await work.finish(result={"twice": work.args["n"] * 2})

    start_worker(noop)
    ids = await submit(NewTask("noop", args={"n": 21}))
    task = await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert task.result == {"twice": 42}
    assert (task.attempt, task.progress) == (1, 1.0)


async def test_many_tasks_each_run_once(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    ran: list[str] = []

    async def noop(work: Work) -> None:
        ran.append(work.lease.id)

    start_worker(noop, worker_light_slots=8)
    ids = await submit(*(NewTask("noop", name=f"n{n}") for n in range(100)))
    for task_id in ids.values():
        await reaches(task_id, TaskState.SUCCEEDED)
    assert sorted(ran) == sorted(ids.values())


async def test_a_failure_runs_again_and_then_succeeds(
    start_worker: StartWorker, submit: Submit, reaches: Await, database: Database, project_id: str
) -> None:
    attempts: list[int] = []

    async def noop(work: Work) -> None:
        attempts.append(work.lease.attempt)
        if work.lease.attempt == 1:
            raise OSError(28, "No space left on device")

    start_worker(noop)
    ids = await submit(NewTask("noop"))
    task = await reaches(ids["noop"], TaskState.RETRY_WAIT)
    assert (task.error_code, task.log_tail is not None) == ("disk_full", True)
    async with database.project(project_id) as tx:
        await tx.execute(update(Task).values(run_at=task.created_at))
    await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert attempts == [1, 2]


async def test_the_inputs_fault_is_told_and_not_tried_again(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    async def noop(_work: Work) -> None:
        raise BadInput("truncated", "The file ends too early. Upload it again.")

    start_worker(noop)
    ids = await submit(NewTask("noop"))
    task = await reaches(ids["noop"], TaskState.DEAD)
    assert (task.error_code, task.attempt) == ("truncated", 1)
    assert task.error_message == "The file ends too early. Upload it again."


async def test_work_past_its_time_is_stopped(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    cancelled = threading.Event()

    async def noop(_work: Work) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    start_worker(noop)
    ids = await submit(NewTask("noop", timeout_seconds=0.2))
    task = await reaches(ids["noop"], TaskState.RETRY_WAIT)
    assert task.error_code == "timeout"
    assert cancelled.is_set()


async def test_cancelling_stops_the_work_at_once(
    start_worker: StartWorker, submit: Submit, reaches: Await, database: Database, project_id: str
) -> None:
    stopped = threading.Event()

    async def noop(_work: Work) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    start_worker(noop, lease_seconds=3600)  # the next heartbeat is 20 minutes away
    ids = await submit(NewTask("noop"))
    await reaches(ids["noop"], TaskState.LEASED)
    async with database.project(project_id) as tx:
        await control.cancel_task(tx, ids["noop"])
    assert await asyncio.to_thread(stopped.wait, 10)
    assert (await reaches(ids["noop"], TaskState.CANCELLED)).attempt == 1


async def test_a_worker_that_stops_hands_its_work_back(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    async def encode(_work: Work) -> None:
        await asyncio.Event().wait()

    worker = start_worker(encode)
    ids = await submit(NewTask("encode"))
    await reaches(ids["encode"], TaskState.LEASED)
    await asyncio.to_thread(worker.stop)
    task = await reaches(ids["encode"], TaskState.READY)
    assert (task.attempt, task.leased_by) == (0, None)


async def test_long_work_keeps_its_lease(
    start_worker: StartWorker, submit: Submit, reaches: Await, until: Until
) -> None:
    go_on = threading.Event()
    attempts: list[int] = []

    async def noop(work: Work) -> None:
        attempts.append(work.lease.attempt)
        await asyncio.to_thread(go_on.wait, 30)

    worker = start_worker(noop, lease_seconds=2)
    ids = await submit(NewTask("noop"))
    first = await reaches(ids["noop"], TaskState.LEASED)
    assert first.lease_until is not None
    later = first.lease_until + timedelta(seconds=2)
    await reaches(
        ids["noop"],
        TaskState.LEASED,
        when=lambda task: task.lease_until is not None and task.lease_until > later,
    )
    go_on.set()
    await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert attempts == [1]
    # The row says so a moment before the thread is done with it.
    await until(lambda: len(worker.services.leases) == 0)


async def test_a_short_task_does_not_wait_behind_a_long_encode(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    async def encode(_work: Work) -> None:
        await asyncio.Event().wait()

    async def noop(_work: Work) -> None:
        return

    start_worker(encode, noop, worker_encode_slots=1, worker_light_slots=1)
    ids = await submit(NewTask("encode", name="a"), NewTask("encode", name="b"))
    await reaches(ids["a"], TaskState.LEASED)
    short = await submit(NewTask("noop"))
    await reaches(short["noop"], TaskState.SUCCEEDED)
    assert (await reaches(ids["b"], TaskState.READY)).attempt == 0


async def test_scratch_is_gone_after_success_and_failure(
    start_worker: StartWorker, submit: Submit, reaches: Await, until: Until
) -> None:
    folders: list[Path] = []

    async def noop(work: Work) -> None:
        (work.scratch / "file").write_bytes(b"x")
        folders.append(work.scratch)
        if work.args:
            raise BadInput("not_media", "This is not a video.")

    start_worker(noop)
    good = await submit(NewTask("noop"))
    bad = await submit(NewTask("noop", args={"fail": True}))
    await reaches(good["noop"], TaskState.SUCCEEDED)
    await reaches(bad["noop"], TaskState.DEAD)
    await until(lambda: not any(folder.exists() for folder in folders))
    assert len(folders) == 2


async def test_the_requests_correlation_id_is_bound(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    seen: list[object] = []

    async def noop(_work: Work) -> None:
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])

    start_worker(noop)
    with structlog.contextvars.bound_contextvars(correlation_id="from-the-edge"):
        ids = await submit(NewTask("noop"))
    await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert seen == ["from-the-edge"]


async def test_the_requests_trace_goes_on_in_the_worker(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    seen: list[int] = []

    async def noop(_work: Work) -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)

    start_worker(noop)
    request = trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1))
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(request)))
    try:
        ids = await submit(NewTask("noop"))
    finally:
        context.detach(token)
    task = await reaches(ids["noop"], TaskState.SUCCEEDED)
    assert task.traceparent == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    assert seen == [0xABC]


async def test_progress_is_written_while_the_work_goes_on(
    start_worker: StartWorker, submit: Submit, reaches: Await
) -> None:
    go_on = threading.Event()

    async def noop(work: Work) -> None:
        work.report(0.25, eta_seconds=3)
        await asyncio.to_thread(go_on.wait, 30)

    start_worker(noop)
    ids = await submit(NewTask("noop"))
    task = await reaches(ids["noop"], TaskState.LEASED, when=lambda task: task.progress > 0)
    assert (task.progress, task.eta_seconds) == (0.25, 3)
    go_on.set()
    await reaches(ids["noop"], TaskState.SUCCEEDED)
