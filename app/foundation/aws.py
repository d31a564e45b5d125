"""Clients of AWS, and of servers that speak its protocols."""

from typing import Any

from boto3.session import Session
from botocore.config import Config

from app.foundation.telemetry.aws_calls import trace_calls
from app.settings.cloud import CloudSettings


def make_client(
    settings: CloudSettings,
    service: str,
    *,
    endpoint_url: str | None = None,
    attempts: int | None = None,
    connections: int = 10,
    config: Config | None = None,
) -> Any:
    """A client whose own retries are the only ones; whoever uses it tries nothing again.

    Its calls block: they belong into threads, and no more than `connections` of them at once.

    Args:
        service: boto3's name of it, such as `sns`; the caller annotates what comes back.
        endpoint_url: Of a server that is not AWS.
        attempts: Tries of one request. Default: aws_attempts.
        config: Further options of botocore; they win.
    """
    mine = Config(
        region_name=settings.aws_region,
        connect_timeout=settings.aws_connect_seconds,
        read_timeout=settings.aws_read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts or settings.aws_attempts},
        max_pool_connections=connections,
    )
    # A session of its own: boto3's default one is not safe to make clients from in two threads.
    session: Any = Session()  # its types know services by literal names only
    client: Any = session.client(
        service,
        region_name=settings.aws_region,
        endpoint_url=endpoint_url,
        config=mine.merge(config) if config else mine,
    )
    # What is asked of S3 the object store tells itself, by operations of its own.
    if service != "s3":
        trace_calls(client)
    return client
