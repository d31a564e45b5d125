"""Notices of objects that land under `incoming/` of the source bucket (docs/bucket-events.md)."""

import json
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement, key_use
from infra.names import Names
from infra.state.lifecycle import INCOMING
from infra.state.queue import RECEIVE, Queue, QueueArgs
from infra.state.resource_policy import Guest


@dataclass(frozen=True)
class BucketNoticesArgs:
    """What `BucketNotices` takes.

    Args:
        names: Of the stack.
        account: Its AWS account id.
        bucket: Where objects land.
        by: S3's own notifications, or EventBridge, which others may listen to as well.
        kms_key: ARN of the key of messages, whose policy lets the sender in; SQS' own where it is
            None.
    """

    names: Names
    account: str
    bucket: aws.s3.Bucket
    by: Literal["s3", "eventbridge"]
    kms_key: pulumi.Input[str] | None


class BucketNotices(Component):
    """A queue that gets a message for every new object.

    Attributes:
        queue: It.
    """

    KIND = "state:BucketNotices"

    def __init__(
        self, name: str, args: BucketNoticesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        rule = self._rule(name, args) if args.by == "eventbridge" else None
        made = Queue(
            name,
            QueueArgs(
                name=args.names.of("arrivals"),
                kms_key=args.kms_key,
                guests=[_sender(args, rule)],
            ),
            opts=self.child(),
        )
        self.queue = made.queue
        after = self.child(depends_on=[made.policy])
        if rule is not None:
            aws.cloudwatch.EventTarget(name, rule=rule.name, arn=self.queue.arn, opts=after)
            aws.s3.BucketNotification(
                name, bucket=args.bucket.id, eventbridge=True, opts=self.child()
            )
        else:
            # S3 sends a test message when this is set, and refuses it where that fails.
            aws.s3.BucketNotification(
                name,
                bucket=args.bucket.id,
                queues=[
                    {
                        "id": "arrivals",
                        "queue_arn": self.queue.arn,
                        "events": ["s3:ObjectCreated:*"],
                        "filter_prefix": INCOMING,
                    }
                ],
                opts=after,
            )
        self.register_outputs({"queue": self.queue.url})

    def consume_grant(self) -> Grant:
        """Takes notices and reads what has landed; the rest is what the store needs."""
        statements = [
            Statement(RECEIVE, [self.queue.arn]),
            Statement(
                ["s3:GetObject", "s3:GetObjectVersion"],
                [pulumi.Output.format("{0}/{1}*", self._args.bucket.arn, INCOMING)],
            ),
            *key_use(self._args.kms_key, "kms:Decrypt"),
        ]
        return Grant(
            statements,
            {
                "SPOOL_BUCKET_EVENTS_QUEUE_URL": self.queue.url,
                "SPOOL_BUCKET_EVENTS_PREFIX": INCOMING,
            },
        )

    def _rule(self, name: str, args: BucketNoticesArgs) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            name,
            name=args.names.of("arrivals"),
            event_pattern=args.bucket.bucket.apply(
                lambda bucket: json.dumps(
                    {
                        "source": ["aws.s3"],
                        "detail-type": ["Object Created"],
                        "detail": {
                            "bucket": {"name": [bucket]},
                            "object": {"key": [{"prefix": INCOMING}]},
                        },
                    }
                )
            ),
            opts=self.child(),
        )


def _sender(args: BucketNoticesArgs, rule: aws.cloudwatch.EventRule | None) -> Guest:
    if rule is not None:
        return Guest(
            "events.amazonaws.com", ["sqs:SendMessage"], {"ArnEquals": {"aws:SourceArn": rule.arn}}
        )
    return Guest(
        "s3.amazonaws.com",
        ["sqs:SendMessage"],
        {
            "ArnEquals": {"aws:SourceArn": args.bucket.arn},
            "StringEquals": {"aws:SourceAccount": args.account},
        },
    )
