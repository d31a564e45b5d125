"""`spool stream` to a video that plays: a data stream, a consumer, a worker, all as processes."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.foundation.aws import make_client
from app.foundation.db.ids import random_id
from app.intake.records import Begin, encode
from tests.e2e.system.client import Client, Json
from tests.e2e.system.stack import Stack, until
from tests.integration.intake.conftest import Intake
from tests.servers.otlp import Collector, collector

SPOOL = Path(sys.executable).with_name("spool")
IDLE_SECONDS = 4


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose worker knows how long a stream may be silent."""
    stack = Stack(tmp_path_factory.mktemp("stack"), kinesis_idle_seconds=IDLE_SECONDS)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.fixture
def receiver() -> Iterator[Collector]:
    with collector() as taken:
        yield taken


@pytest.fixture
async def intake(
    stack: Stack,
    client: Client,
    moto_url: str,
    aws_credentials: None,
    receiver: Collector,
    tmp_path: Path,
) -> Any:
    project_id = (await client.get("/v1/me"))["project"]["id"]
    settings = stack.settings.model_copy(
        update={
            "kinesis_stream": f"video-{random_id(8)}",
            "kinesis_project_id": project_id,
            "kinesis_endpoint_url": moto_url,
            "kinesis_poll_seconds": 0.2,
            "kinesis_flush_seconds": 0.5,
            "otlp_endpoint": receiver.grpc_url,
        }
    )
    kinesis = make_client(settings, "kinesis", endpoint_url=moto_url)
    kinesis.create_stream(StreamName=settings.kinesis_stream, ShardCount=2)
    intake = Intake(settings, tmp_path)
    intake.kinesis, intake.stream = kinesis, settings.kinesis_stream  # type: ignore[attr-defined]  # for these tests
    intake.start()
    yield intake
    intake.close()
    kinesis.close()


async def streamed(client: Client, stream_id: str) -> Json:
    """The asset that was made of a stream, found as anybody would find it."""

    async def look() -> Json | None:
        items = (await client.get("/v1/assets"))["items"]
        return next((each for each in items if each["tags"].get("stream_id") == stream_id), None)

    return await until(look, f"an asset of stream {stream_id}")


async def test_a_video_that_was_streamed_plays(
    intake: Any, client: Client, receiver: Collector, small: Path, moto_url: str
) -> None:
    argv = [SPOOL, "stream", small, "--stream", intake.stream, "--endpoint-url", moto_url, "--json"]
    done = await asyncio.to_thread(
        subprocess.run, argv, capture_output=True, text=True, check=True, timeout=60
    )
    sent = json.loads(done.stdout)
    asset = await streamed(client, sent["stream_id"])
    ready = await client.becomes_ready(asset["id"])
    assert ready["title"] == "small"
    spans = await asyncio.to_thread(
        receiver.await_spans, lambda seen: any(span.name == "submit ingest" for span in seen)
    )
    polls = [span for span in spans if span.name == "Kinesis/GetRecords"]
    # Only those that brought something.
    assert sum(span.attributes["messaging.batch.message_count"] for span in polls) >= 3
    assert all(span.attributes["messaging.batch.message_count"] for span in polls)
    [begun] = [span for span in spans if span.name == "begin stream"]
    [submitted] = [span for span in spans if span.name == "submit ingest"]
    assert submitted.trace_id == begun.trace_id


async def test_a_stream_that_falls_silent_expires_with_a_reason(
    intake: Any, client: Client
) -> None:
    intake.kinesis.put_record(
        StreamName=intake.stream, PartitionKey="silent", Data=encode(Begin("a.mp4", "video/mp4"))
    )
    asset = await client.ends((await streamed(client, "silent"))["id"])
    assert asset["error"]["code"] == "upload_expired"
    assert "No record of the stream came" in asset["error"]["message"]


async def test_a_stream_does_not_expire_while_nobody_reads(
    intake: Any, client: Client, stack: Stack
) -> None:
    record = encode(Begin("a.mp4", "video/mp4"))
    intake.kinesis.put_record(StreamName=intake.stream, PartitionKey="waiting", Data=record)
    asset = await streamed(client, "waiting")
    first = await stack.value("SELECT deadline_at FROM uploads WHERE asset_id = $1", asset["id"])
    intake.stop()

    async def put_off() -> bool:
        query = "SELECT deadline_at FROM uploads WHERE asset_id = $1"
        return bool(await stack.value(query, asset["id"]) > first)

    await until(put_off, "the deadline moves")
    assert (await client.asset(asset["id"]))["state"] == "created"
