"""The same end-to-end tests, against Spool on S3 and SQS; and that it really is there."""

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
