"""The whole trace of one video, as a collector gets it from the API's process and a worker's."""

import asyncio
import re
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.system.client import Client
from tests.e2e.system.stack import API, WORKER, Stack
from tests.e2e.telemetry.one_video import check_trace, links
from tests.e2e.telemetry.tree import trace_of_asset, whole
from tests.servers.otlp import Collector


async def start(stack: Stack, **settings: object) -> None:
    stack.start(API, **settings)
    stack.start(WORKER, **settings)
    await stack.ready(API, WORKER)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_one_video_is_one_trace(
    stack: Stack, receiver: Collector, small: Path, protocol: str
) -> None:
    url = receiver.grpc_url if protocol == "grpc" else receiver.http_url
    await start(stack, otlp_endpoint=url, otlp_protocol=protocol, environment="test")
    async with await Client.register(stack.url) as client:
        client.http.headers["X-Correlation-ID"] = "from-the-browser"
        asset_id = await client.upload(small)
        await client.becomes_ready(asset_id)
    spans = await asyncio.to_thread(receiver.await_spans, lambda seen: whole(seen, asset_id))
    assert receiver.requests[protocol]
    assert sum(receiver.requests.values()) == receiver.requests[protocol]
    check_trace(spans, asset_id, correlation_id="from-the-browser", store="folder")


async def test_a_later_attempt_is_linked_to_the_one_before(
    stack: Stack, receiver: Collector, small: Path
) -> None:
    await start(stack, otlp_endpoint=receiver.grpc_url)
    async with await Client.register(stack.url) as client:
        asset_id = await client.upload_bytes(b"no video at all " * 100, "notes.mp4")
        assert (await client.ends(asset_id))["state"] == "failed"
        # As if somebody had repaired the store.
        await stack.store.put_file(f"videos/{asset_id}.mp4", small)
        [job] = await stack.rows(
            "SELECT id FROM jobs WHERE asset_id = $1 AND state = 'failed'", asset_id
        )
        await client.post(f"/v1/jobs/{job['id']}/retry")
        await client.becomes_ready(asset_id)
    spans = await asyncio.to_thread(receiver.await_spans, lambda seen: whole(seen, asset_id))
    tree = trace_of_asset(spans, asset_id)
    assert tree.orphans == []
    first, second = sorted(tree.named("process probe"), key=lambda span: span.began)
    assert first.failed
    assert first.attributes["error.type"]
    assert links(second, "previous_attempt") == {first.span_id}
    assert tree.parent_name(first) == tree.parent_name(second) == "process ingest"
    assert not second.failed


async def test_ids_and_headers_are_those_of_xray(
    stack: Stack, receiver: Collector, small: Path
) -> None:
    await start(stack, otlp_endpoint=receiver.grpc_url, trace_format="xray")
    root = f"1-{int(time.time()):08x}-{'ab' * 12}"
    given = {"X-Amzn-Trace-Id": f"Root={root};Parent={'cd' * 8};Sampled=1"}
    async with await Client.register(stack.url) as client:
        asset_id = await client.upload(small)
        await client.becomes_ready(asset_id)
        told = await client.http.get("/health", headers=given)
        ours = await client.http.get("/health")
    spans = await asyncio.to_thread(
        receiver.await_spans,
        lambda seen: whole(seen, asset_id) and sum(s.name == "GET /health" for s in seen) > 1,
    )
    tree = trace_of_asset(spans, asset_id)
    # An X-Ray id begins with the second in which it was made.
    assert abs(int(tree.roots[0].trace_id[:8], 16) - tree.roots[0].began) < 2
    assert tree.orphans == []
    continued = [span for span in spans if span.trace_id == root.replace("-", "")[1:]]
    assert [span.parent_id for span in continued] == ["cd" * 8]
    assert told.headers["X-Amzn-Trace-Id"].startswith(f"Root={root};")
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1",
        ours.headers["X-Amzn-Trace-Id"],
    )
    assert f'"xray_trace_id":"{root}"' in (stack.folder / "api.log").read_text()


async def test_unsampled_traces_are_not_sent(
    stack: Stack, receiver: Collector, small: Path
) -> None:
    await start(stack, otlp_endpoint=receiver.grpc_url, trace_sample_ratio=0)
    sampled = f"00-{'1f' * 16}-{'2e' * 8}-01"
    async with await Client.register(stack.url) as client:
        await client.becomes_ready(await client.upload(small))
        # The caller began this trace, and keeps it.
        await client.http.get("/health", headers={"traceparent": sampled})
    stack.stop_all()
    assert {span.trace_id for span in receiver.spans} == {"1f" * 16}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_nothing_waits_for_a_collector_that_is_away(
    stack: Stack, small: Path, protocol: str
) -> None:
    await start(stack, otlp_endpoint="http://127.0.0.1:9", otlp_protocol=protocol)
    async with await Client.register(stack.url) as client:
        await client.becomes_ready(await client.upload(small))
        async with httpx.AsyncClient() as scraper:
            while True:
                text = (await scraper.get(f"{stack.status_urls[WORKER]}/metrics")).text
                dropped = re.search(
                    r'^spool_spans_dropped_total\{reason="export_failed"\} (\S+)',
                    text,
                    re.MULTILINE,
                )
                if dropped and float(dropped[1]) > 0:
                    break
    for name in (WORKER, API):
        began = time.monotonic()
        stack.stop(name)
        # Two seconds for spans that nobody takes, beside what the process takes anyway.
        assert time.monotonic() - began < 6, name
        lines = (stack.folder / f"{name}.log").read_text().splitlines()
        assert sum('"logger":"opentelemetry' in line for line in lines) <= 4
