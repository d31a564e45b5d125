"""The data stream that videos come in by (docs/streams.md)."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement, key_use
from infra.names import Names

# How far each shard is from what it can take, and how far consumers are behind.
SHARD_METRICS = (
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
)


@dataclass(frozen=True)
class StreamArgs:
    """What `Stream` takes.

    Args:
        names: Of the stack.
        shards: Each takes 1 MB/s in and gives 2 MB/s out.
        retention_hours: How long records are kept.
        project_id: Of Spool, whose the videos are.
        kms_key: ARN of the key of messages; AWS' own where it is None.
    """

    names: Names
    shards: int
    retention_hours: int
    project_id: str
    kms_key: pulumi.Input[str] | None


class Stream(Component):
    """A Kinesis data stream.

    Attributes:
        stream: It.
    """

    KIND = "state:Stream"

    def __init__(
        self, name: str, args: StreamArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        self.stream = aws.kinesis.Stream(
            name,
            name=args.names.of("videos"),
            shard_count=args.shards,
            retention_period=args.retention_hours,
            shard_level_metrics=list(SHARD_METRICS),
            encryption_type="KMS",
            kms_key_id="alias/aws/kinesis" if args.kms_key is None else args.kms_key,
            # Without, a stream with registered consumers cannot be destroyed.
            enforce_consumer_deletion=True,
            opts=self.child(),
        )
        self.register_outputs({"name": self.stream.name})

    def consume_grant(self) -> Grant:
        """Reads it and makes assets of it."""
        statements = [
            Statement(
                ["kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"],
                [self.stream.arn],
            ),
            *key_use(self._args.kms_key, "kms:Decrypt"),
        ]
        return Grant(
            statements,
            {
                "SPOOL_KINESIS_STREAM": self.stream.name,
                "SPOOL_KINESIS_PROJECT_ID": self._args.project_id,
            },
        )
