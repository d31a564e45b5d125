"""What Kinesis says now and then: read more slowly, and this iterator is too old."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from prometheus_client import REGISTRY

from app.foundation.db.database import Database
from app.intake.shards import Group
from app.intake.streams import stream_policy
from app.seams import make_store
from app.settings import Settings
from app.uploads.policy import UploadPolicy
from tests.integration.intake.conftest import KIB, Videos, noise
from tests.servers.fault_proxy import FaultProxy
from tests.servers.http_messages import Head
from workers.intake.consumer import Consumer
from workers.intake.kinesis import DataStream
from workers.intake.services import StreamServices

READ = "Kinesis_20131202.GetRecords"
ITERATOR = "Kinesis_20131202.GetShardIterator"


class Refusing:
    """Refuses the first reads; knows when what was asked for."""

    def __init__(self, code: str, times: int) -> None:
        self._body = json.dumps({"__type": code, "message": "as the test wants it"}).encode()
        self._left = times
        self.asked: list[tuple[str, float]] = []

    def __call__(self, head: Head) -> tuple[int, bytes] | None:
        target = head.fields["x-amz-target"]
        self.asked.append((target, time.monotonic()))
        if target != READ or not self._left:
            return None
        self._left -= 1
        return 400, self._body

    def times(self, target: str) -> list[float]:
        return [moment for name, moment in self.asked if name == target]


@pytest.fixture
def shards() -> int:
    return 1


@pytest.fixture
def proxy(kinesis_url: str) -> Iterator[FaultProxy]:
    upstream = urlsplit(kinesis_url)
    with FaultProxy(upstream.hostname or "", upstream.port or 0) as running:
        yield running


@pytest.fixture
async def consumer(
    proxy: FaultProxy, intake_settings: Settings, kinesis: object, database: Database
) -> AsyncIterator[asyncio.Event]:
    """Reads the stream through the proxy, once the event is set; botocore tries nothing again."""
    settings = intake_settings.model_copy(
        update={"kinesis_endpoint_url": proxy.url, "aws_attempts": 1}
    )
    name = settings.kinesis_stream or ""
    store = make_store(settings)
    services = StreamServices(
        settings=settings,
        database=database,
        store=store,
        source=DataStream(settings, name),
        group=Group(settings.kinesis_project_id or "", settings.kinesis_group, name),
        policy=stream_policy(UploadPolicy.of(settings), timedelta(hours=1)),
        owner="the only one",
    )
    begin, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        await begin.wait()
        await Consumer(services).run(stop)

    running = asyncio.create_task(run())
    yield begin
    stop.set()
    await running
    store.close()


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_a_throttled_shard_is_read_more_slowly_and_loses_nothing(
    proxy: FaultProxy, consumer: asyncio.Event, videos: Videos
) -> None:
    proxy.answer = refusing = Refusing("ProvisionedThroughputExceededException", times=2)
    throttled = counted("spool_stream_throttled_total")
    data = noise(300 * KIB)
    stream_id = await videos.send(data)
    consumer.set()
    await videos.assert_whole(stream_id, data)
    assert counted("spool_stream_throttled_total") == throttled + 2
    first, second = (after - before for before, after in list(pairwise(refusing.times(READ)))[:2])
    assert first >= 0.5
    assert second >= 1
    # It waited for the same iterator: nothing was begun again.
    assert len(refusing.times(ITERATOR)) == 1


async def test_an_iterator_that_expired_is_replaced_where_reading_was(
    proxy: FaultProxy, consumer: asyncio.Event, videos: Videos
) -> None:
    consumer.set()
    before = noise(100 * KIB)
    await videos.assert_whole(await videos.send(before), before)
    late = counted("spool_stream_records_total", outcome="late")
    proxy.answer = refusing = Refusing("ExpiredIteratorException", times=1)
    data = noise(300 * KIB, 1)
    await videos.assert_whole(await videos.send(data), data)
    assert proxy.counts["answered"] == 1
    assert len(refusing.times(ITERATOR)) == 1
    # Behind what it had: from the shard's beginning, the first stream's records would be late.
    assert counted("spool_stream_records_total", outcome="late") == late
