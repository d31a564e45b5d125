"""Settings of the ways in beside the API: a data stream, and objects that land in a bucket."""

from pydantic import Field
from pydantic_settings import BaseSettings


class IntakeSettings(BaseSettings):
    """Off where nothing is named; `python -m workers.intake` runs what is."""

    kinesis_stream: str | None = Field(
        default=None, description="Name of a Kinesis data stream to take videos from."
    )
    kinesis_group: str = Field(
        default="spool",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Consumer group: each reads the whole stream, with checkpoints of its own.",
    )
    kinesis_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks Kinesis. Default: AWS, by the region."
    )
    kinesis_idle_seconds: int = Field(
        default=3600, ge=1, description="A stream without records for so long has failed."
    )
    kinesis_poll_seconds: float = Field(
        default=1.0,
        ge=0.05,
        description="Between two reads of a shard that has nothing new; groups share 5 a second.",
    )
    kinesis_flush_seconds: float = Field(
        default=3.0, gt=0, description="What was read becomes durable after so long at most."
    )
    kinesis_gap_seconds: float = Field(
        default=30.0, gt=0, description="Without its next record for so long a stream has failed."
    )
    kinesis_project_id: str | None = Field(
        default=None, description="Project that streamed videos belong to; needed with a stream."
    )
    bucket_events_queue_url: str | None = Field(
        default=None, description="SQS queue with S3's or EventBridge's notices of new objects."
    )
    bucket_events_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks SQS. Default: AWS, by the region."
    )
    bucket_events_prefix: str = Field(
        default="incoming/",
        description="Objects under <prefix><project id>/ become assets, once each.",
    )
