"""Ways in beside the API: the data stream, and objects that land in the bucket."""

import json
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
import pytest

from infra.grants import Grant
from infra.names import Names
from infra.state.bucket_notices import BucketNotices, BucketNoticesArgs
from infra.state.stream import Stream, StreamArgs
from tests.infra.outputs import ACCOUNT, REGION
from tests.infra.policies import granted, guests
from tests.infra.recorder import Recording, record

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/messages"
NAMES = Names("spool", "dev")


def _stream(key: str | None = KEY) -> Stream:
    return Stream("stream", StreamArgs(NAMES, 2, 24, "prj_1", key))


def _notices(by: Literal["s3", "eventbridge"], key: str | None = KEY) -> BucketNotices:
    bucket = aws.s3.Bucket("source", bucket="spool-source")
    return BucketNotices("notices", BucketNoticesArgs(NAMES, ACCOUNT, bucket, by, key))


def _recorded(by: Literal["s3", "eventbridge"]) -> Recording:
    return record(lambda: (_notices(by), None)[1])


@pytest.mark.parametrize("key", [KEY, None])
def test_the_stream_is_encrypted_and_shows_each_shard(key: str | None) -> None:
    stream = record(lambda: (_stream(key), None)[1]).one("aws:kinesis/stream:Stream").inputs
    assert (stream["shardCount"], stream["retentionPeriod"]) == (2, 24)
    assert stream["encryptionType"] == "KMS"
    assert stream["kmsKeyId"] == (key or "alias/aws/kinesis")
    assert "WriteProvisionedThroughputExceeded" in stream["shardLevelMetrics"]


@pytest.mark.parametrize("by", ["s3", "eventbridge"])
def test_grants_of_the_intake(by: Literal["s3", "eventbridge"]) -> None:
    def grants() -> dict[str, Grant]:
        return {"stream": _stream().consume_grant(), "notices": _notices(by).consume_grant()}

    actions, environment = granted(grants)
    stream = {f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream"}
    assert actions["stream"] == {
        "kinesis:ListShards": stream,
        "kinesis:GetShardIterator": stream,
        "kinesis:GetRecords": stream,
        "kms:Decrypt": {KEY},
    }
    assert environment["stream"] == {
        "SPOOL_KINESIS_STREAM": "spool-videos-dev",
        "SPOOL_KINESIS_PROJECT_ID": "prj_1",
    }
    queue = {f"arn:aws:sqs:{REGION}:{ACCOUNT}:spool-arrivals-dev"}
    landed = {"arn:aws:s3:::spool-source/incoming/*"}
    assert actions["notices"] == {
        "sqs:ReceiveMessage": queue,
        "sqs:DeleteMessage": queue,
        "sqs:ChangeMessageVisibility": queue,
        "s3:GetObject": landed,
        "s3:GetObjectVersion": landed,
        "kms:Decrypt": {KEY},
    }
    assert environment["notices"]["SPOOL_BUCKET_EVENTS_PREFIX"] == "incoming/"


def _only_guest(recording: Recording) -> tuple[str, dict[str, Any]]:
    policy = recording.one("aws:sqs/queuePolicy:QueuePolicy", "notices")
    (guest,) = guests(policy.inputs["policy"]).items()
    return guest[0], guest[1]["Condition"]


def test_s3_sends_of_this_bucket_and_what_lands_under_the_prefix() -> None:
    recording = _recorded("s3")
    assert _only_guest(recording) == (
        "s3.amazonaws.com",
        {
            "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::spool-source"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        },
    )
    notification = recording.one("aws:s3/bucketNotification:BucketNotification")
    (queue,) = notification.inputs["queues"]
    assert queue["filterPrefix"] == "incoming/"
    # S3 tries the queue at once.
    assert any("queuePolicy:QueuePolicy::notices" in urn for urn in notification.depends_on)


def test_eventbridge_sends_by_one_rule() -> None:
    recording = _recorded("eventbridge")
    service, condition = _only_guest(recording)
    assert service == "events.amazonaws.com"
    assert condition == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:notices"}
    }
    pattern = json.loads(recording.one("aws:cloudwatch/eventRule:EventRule").inputs["eventPattern"])
    assert pattern["detail"] == {
        "bucket": {"name": ["spool-source"]},
        "object": {"key": [{"prefix": "incoming/"}]},
    }
    assert recording.one("aws:s3/bucketNotification:BucketNotification").inputs["eventbridge"]


def test_a_preview_of_a_new_stack_works() -> None:
    def program() -> None:
        pulumi.export("queue", _notices("eventbridge").queue.url)

    assert record(program, preview=True).of_type("aws:cloudwatch/eventRule:EventRule")
