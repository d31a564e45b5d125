"""`python -m workers.relay` as it is run: a process, beside workers that leave the upkeep to it."""

import asyncio
import signal
import subprocess
from datetime import timedelta

import httpx
from prometheus_client.parser import text_string_to_metric_families

from app.jobs.models import TaskState
from app.jobs.service import NewTask
from tests.integration.workers.conftest import Await, StartProcess, StartWorker, Submit
from tests.integration.workers.sqs_side import SqsSide
from tests.ports import unused_port
from tests.servers.fault_proxy import FaultProxy
from workers.work import Work


async def ends_when_told(relay: "subprocess.Popen[bytes]") -> None:
    relay.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(relay.wait, 10) == 0


async def answers(client: httpx.AsyncClient, path: str, status: int) -> httpx.Response:
    async with asyncio.timeout(30):
        while True:
            try:
                answer = await client.get(path)
            except httpx.TransportError:
                answer = None  # it has not started yet
            if answer is not None and answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)


async def test_it_rings_for_workers_that_do_no_upkeep_and_ends_when_told(
    sqs_side: SqsSide,
    start_process: StartProcess,
    start_sqs_worker: StartWorker,
    submit: Submit,
    reaches: Await,
) -> None:
    async def noop(_work: Work) -> None:
        return

    start_sqs_worker(noop, worker_upkeep=False)
    ids = await submit(
        NewTask("noop", name="at once"),
        NewTask("noop", name="after it", after=["at once"]),
        NewTask("noop", name="later", delay=timedelta(seconds=1)),
    )
    port = unused_port()
    relay = start_process(
        "-m",
        "workers.relay",
        settings=sqs_side.settings.model_copy(update={"worker_metrics_port": port}),
    )
    for task_id in ids.values():
        await reaches(task_id, TaskState.SUCCEEDED, seconds=30)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert (await answers(client, "/health", 200)).text == "ok\n"
        assert (await answers(client, "/ready", 200)).text == "ok\n"
        sent = [
            sample.value
            for family in text_string_to_metric_families((await client.get("/metrics")).text)
            for sample in family.samples
            if sample.name == "spool_wakeups_sent_total"
            and sample.labels == {"queue": sqs_side.name()}
        ]
    assert sent[0] >= len(ids)
    await ends_when_told(relay)


async def test_without_its_queues_it_is_not_ready_and_ends_when_told_all_the_same(
    sqs_side: SqsSide, start_process: StartProcess, submit: Submit
) -> None:
    port = unused_port()
    with FaultProxy(*sqs_side.address) as proxy:
        relay = start_process(
            "-m",
            "workers.relay",
            settings=sqs_side.settings.model_copy(
                update={"worker_metrics_port": port, "sqs_endpoint_url": proxy.url}
            ),
        )
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            await answers(client, "/ready", 200)
            proxy.down = True
            # What it cannot send keeps its threads busy.
            await submit(*(NewTask("noop", name=f"n{n}") for n in range(100)))
            assert (await answers(client, "/ready", 503)).text.startswith("queue: ")
            assert (await answers(client, "/health", 200)).text == "ok\n"
        await ends_when_told(relay)
