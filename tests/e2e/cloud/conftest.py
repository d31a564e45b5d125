"""Spool with the cloud's side of its seams: objects on a server that speaks S3, work on one that
speaks SQS, as processes of this machine."""

from collections.abc import Iterator

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
from tests.servers.versitygw import ObjectServer


@pytest.fixture(scope="session")
def cloud(
    object_server: ObjectServer,
    elasticmq_url: str,
    credentials: None,  # noqa: F811  # the fixture of that name
) -> dict[str, object]:
    """Settings of the cloud's side."""
    source, media = make_buckets(object_server.url, 2)
    return {
        "store": "s3",
        "s3_source_bucket": source,
        "s3_media_bucket": media,
        "s3_endpoint_url": object_server.url,
        "s3_path_style": True,
        "queue": "sqs",
        "sqs_endpoint_url": elasticmq_url,
        "sqs_queue_prefix": f"e2e-{random_id(8)}",
        "sqs_create_queues": True,
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cloud: dict[str, object]) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("cloud"), **cloud)  # noqa: F811  # not that fixture
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
