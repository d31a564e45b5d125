"""Settings of the queue that wakes workers."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class QueueSettings(BaseSettings):
    """PostgreSQL rings its own workers; SQS carries one wake-up message per ready task."""

    queue: Literal["postgres", "sqs"] = Field(
        default="postgres", description="What wakes workers: `postgres`, or `sqs` and its like."
    )
    sqs_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks SQS. Default: AWS, by the region."
    )
    sqs_queue_prefix: str = Field(
        default="spool",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="Queues are <prefix>-<queue>-<high|normal|low>; dead letters end in -dlq.",
    )
    sqs_create_queues: bool = Field(
        default=False, description="Make queues that are missing: for development only."
    )
    sqs_wait_seconds: int = Field(
        default=20, ge=0, le=20, description="How long a poll waits for a message."
    )
    sqs_max_receives: int = Field(
        default=3, ge=1, le=1000, description="Redrive policy of the queues that are made here."
    )
    worker_upkeep: bool = Field(
        default=True,
        description="Workers also ring, repair and sweep; off where `workers.relay` does it.",
    )
