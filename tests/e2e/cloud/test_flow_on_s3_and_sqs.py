"""The same end-to-end tests, against Spool on S3 and SQS; that it is there, and in the trace."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import boto3
import httpx

from tests.e2e.system.client import Client
from tests.e2e.system.stack import WORKER, Stack
from tests.e2e.system.test_main_flow import (  # noqa: F401  # collected here, with this folder's stack
    test_a_failed_video_is_retried_when_its_cause_is_gone,
    test_a_signed_video_opens_with_its_token_only,
    test_deleting_during_the_encode_leaves_no_object,
    test_deleting_leaves_no_object,
    test_explain_tells_where_it_is,
    test_from_upload_to_playback,
)
from tests.e2e.telemetry.one_video import attempts_of, check_trace
from tests.e2e.telemetry.tree import trace_of_asset, whole
from tests.servers.otlp import Collector, Span

# What leaves its span last of all, each in its own time.
_LATE = ("delete e2e-", "send mail", "SESv2/SendEmail")


async def test_media_lies_in_buckets_and_work_came_through_queues(
    stack: Stack, client: Client, small: Path, cloud: dict[str, object]
) -> None:
    asset = await client.becomes_ready(await client.upload(small))

    s3 = boto3.client("s3", endpoint_url=str(cloud["s3_endpoint_url"]), region_name="us-east-1")
    listed = s3.list_objects_v2(Bucket=str(cloud["s3_media_bucket"]))["Contents"]
    assert any(asset["id"] in each["Key"] for each in listed)
    assert not (stack.folder / "store").exists()
    done = await stack.count("tasks WHERE asset_id = $1 AND state = 'succeeded'", asset["id"])
    assert done > 5
    async with httpx.AsyncClient() as nobody:
        metrics = (await nobody.get(f"{stack.status_urls[WORKER]}/metrics")).text
    sent = [line for line in metrics.splitlines() if line.startswith("spool_wakeups_sent_total")]
    assert sum(float(line.split()[-1]) for line in sent) >= done


def _after_all(spans: Sequence[Span], asset_id: str) -> bool:
    if not whole(spans, asset_id):
        return False
    names = [span.name for span in trace_of_asset(spans, asset_id).spans]
    return all(any(name.startswith(late) for name in names) for late in _LATE)


def _messages_of(span: Span) -> set[str]:
    """The spans that submitted what the messages of this call are about."""
    return {span.parent_id, *(link.span_id for link in span.links)}


async def test_one_video_is_one_trace_through_all_of_them(
    client: Client, small: Path, receiver: Collector
) -> None:
    client.http.headers["X-Correlation-ID"] = "through-the-cloud"
    asset_id = await client.upload(small)
    await client.becomes_ready(asset_id)
    spans = await asyncio.to_thread(receiver.await_spans, lambda seen: _after_all(seen, asset_id))
    tree = check_trace(spans, asset_id, correlation_id="through-the-cloud", store="s3")

    for attempt in attempts_of(tree).values():
        queue = attempt.attributes["messaging.destination.name"]
        assert attempt.attributes["messaging.system"] == "aws_sqs"
        assert queue.startswith("e2e-")
        send, receive = (
            next(s for s in spans if s.name == name and attempt.parent_id in _messages_of(s))
            for name in (f"send {queue}", f"receive {queue}")
        )
        assert send.began <= receive.ended <= attempt.began
        for call, type_, kind in ((send, "send", "producer"), (receive, "receive", "client")):
            assert call.kind == kind
            assert call.attributes["messaging.system"] == "aws_sqs"
            assert call.attributes["messaging.operation.type"] == type_
            assert call.attributes["messaging.batch.message_count"] >= 1
            assert call.attributes["aws.sqs.queue.url"].endswith(queue)
    published = [span for span in tree.spans if span.name.startswith("publish e2e-")]
    assert {span.attributes["messaging.system"] for span in published} == {"aws.sns"}
    assert {tree.parent_name(span) for span in published} == {"send topic"}
    assert tree.parent_name(tree.one("SESv2/SendEmail")) == "send mail"
    assert tree.parent_name(tree.one("send mail")) == "process publish"
    assert {s.attributes["rpc.method"] for s in tree.named("s3 put_file")} == {"S3/PutObject"}
    # Polls that brought nothing have no span.
    polls = [span for span in spans if span.name.startswith("receive ")]
    assert all(span.attributes["messaging.batch.message_count"] for span in polls)
