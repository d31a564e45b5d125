"""Spool with the cloud's side of its seams, as processes of this machine: objects on a server that
speaks S3, work on one that speaks SQS, events and mail on one that speaks SNS and SES, traces to a
collector."""

from collections.abc import Iterator

import boto3
import pytest

from app.foundation.db.ids import random_id
from tests.e2e.system.conftest import (  # noqa: F401  # the same fixtures, found here by name
    client,
    clips,
    credentials,
    long,
    pytest_runtest_makereport,
    small,
    stack,
)
from tests.e2e.system.stack import Stack
from tests.integration.storage.s3_stores import make_buckets
from tests.servers.otlp import Collector, collector
from tests.servers.versitygw import ObjectServer

REGION = "us-east-1"


@pytest.fixture(scope="session")
def receiver() -> Iterator[Collector]:
    with collector() as taken:
        yield taken


@pytest.fixture(scope="session")
def cloud(
    object_server: ObjectServer,
    elasticmq_url: str,
    moto_url: str,
    receiver: Collector,
    credentials: None,  # noqa: F811  # the fixture of that name
) -> dict[str, object]:
    """Settings of the cloud's side."""
    source, media = make_buckets(object_server.url, 2)
    sns = boto3.client("sns", endpoint_url=moto_url, region_name=REGION)
    topic = sns.create_topic(Name=f"e2e-{random_id(8)}")["TopicArn"]
    sender = f"spool-{random_id(8)}@mail.example"
    ses = boto3.client("sesv2", endpoint_url=moto_url, region_name=REGION)
    ses.create_email_identity(EmailIdentity=sender)
    return {
        "aws_region": REGION,
        "store": "s3",
        "s3_source_bucket": source,
        "s3_media_bucket": media,
        "s3_endpoint_url": object_server.url,
        "s3_path_style": True,
        "queue": "sqs",
        "sqs_endpoint_url": elasticmq_url,
        "sqs_queue_prefix": f"e2e-{random_id(8)}",
        "sqs_create_queues": True,
        "sns_endpoint_url": moto_url,
        "sns_api_topic_arn": topic,
        "sns_worker_topic_arn": topic,
        "mail": "ses",
        "mail_from": f"Spool <{sender}>",
        "ses_endpoint_url": moto_url,
        "otlp_endpoint": receiver.grpc_url,
        "environment": "test",
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cloud: dict[str, object]) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("cloud"), **cloud)  # noqa: F811  # not that fixture
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
