import httpx
import pytest

from app.jobs.catalog import ENCODE
from app.jobs.queue_names import bands_of
from app.settings import Settings
from tests.integration.workers.conftest import StartWorker
from tests.integration.workers.sqs_side import SqsSide
from tests.servers.fault_proxy import FaultProxy
from workers.status import StatusServer


@pytest.fixture
def status(start_worker: StartWorker) -> StatusServer:
    return StatusServer("127.0.0.1", 0, start_worker().services)


async def ask(status: StatusServer, path: str) -> httpx.Response:
    url = f"http://127.0.0.1:{status.server_port}{path}"
    async with httpx.AsyncClient(timeout=20) as client:
        return await client.get(url)


async def test_a_worker_says_how_it_is(status: StatusServer) -> None:
    assert (await ask(status, "/health")).text == "ok\n"
    assert (await ask(status, "/ready")).text == "ok\n"
    metrics = (await ask(status, "/metrics")).text
    assert "spool_stuck_rows" in metrics
    assert "video_processing_seconds" in metrics
    assert (await ask(status, "/elsewhere")).status_code == 404


async def test_a_worker_without_its_store_is_not_ready(
    status: StatusServer, settings: Settings
) -> None:
    root = settings.store_root
    assert root
    root.rename(root.with_name("gone"))
    answer = await ask(status, "/ready")
    assert answer.status_code == 503
    assert "store" in answer.text
    assert (await ask(status, "/health")).status_code == 200


async def test_a_worker_whose_queues_are_away_is_not_ready(
    start_worker: StartWorker, sqs_side: SqsSide
) -> None:
    host, port = sqs_side.address
    with FaultProxy(host, port) as proxy:
        worker = start_worker(
            base=sqs_side.settings, sqs_endpoint_url=proxy.url, sqs_create_queues=False
        )
        status = StatusServer("127.0.0.1", 0, worker.services, check_queue=worker.check_queue)
        assert (await ask(status, "/ready")).text == "ok\n"
        proxy.down = True
        answer = await ask(status, "/ready")
        assert answer.status_code == 503
        assert answer.text.startswith("queue: ")
        assert (await ask(status, "/health")).status_code == 200
        proxy.down = False
        assert (await ask(status, "/ready")).text == "ok\n"


async def test_a_worker_for_encodes_alone_needs_no_other_queue(
    start_worker: StartWorker, sqs_side: SqsSide
) -> None:
    prefix = f"{sqs_side.settings.sqs_queue_prefix}-alone"
    for name in bands_of(prefix, ENCODE):
        sqs_side.sqs.create(
            name, dead_letters=f"{name}-dlq", max_receives=3, retention_seconds=600, wait=0
        )
    worker = start_worker(
        base=sqs_side.settings,
        sqs_queue_prefix=prefix,
        sqs_create_queues=False,
        worker_light_slots=0,
        worker_upkeep=False,
    )
    status = StatusServer("127.0.0.1", 0, worker.services, check_queue=worker.check_queue)
    assert (await ask(status, "/ready")).text == "ok\n"
