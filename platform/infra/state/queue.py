"""A queue and its dead letters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.state.queues import (
    LONG_POLL_SECONDS,
    MAX_RECEIVES,
    RETENTION_SECONDS,
    dead_letter_name,
)
from infra.state.resource_policy import QUEUE_REFUSALS, Guest, resource_policy

# What it takes to work with messages, as IAM calls it.
RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
# SQS asks KMS for a data key once in so long, not for every message.
_DATA_KEY_SECONDS = 300


@dataclass(frozen=True)
class QueueArgs:
    """What `Queue` takes.

    Args:
        name: Of the queue.
        kms_key: ARN of the key of messages; SQS' own where it is None.
        visible_after_seconds: A message that was received and not deleted is visible again, unless
            who received it said how long it takes.
        guests: Services of AWS that send to it.
    """

    name: str
    kms_key: pulumi.Input[str] | None
    visible_after_seconds: int = 60
    guests: Sequence[Guest] = ()


class Queue(Component):
    """A queue whose messages go to the dead letters when they were received too often.

    Attributes:
        queue: The first of them.
        policy: To be there before a guest is told to send.
    """

    KIND = "state:Queue"

    def __init__(
        self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        dead = f"{name}-dlq"
        shared: dict[str, Any] = {"message_retention_seconds": RETENTION_SECONDS}
        if args.kms_key is None:
            shared["sqs_managed_sse_enabled"] = True
        else:
            shared["kms_master_key_id"] = args.kms_key
            shared["kms_data_key_reuse_period_seconds"] = _DATA_KEY_SECONDS
        dead_letters = aws.sqs.Queue(
            dead, name=dead_letter_name(args.name), opts=self.child(), **shared
        )
        self.queue = aws.sqs.Queue(
            name,
            name=args.name,
            receive_wait_time_seconds=LONG_POLL_SECONDS,
            visibility_timeout_seconds=args.visible_after_seconds,
            redrive_policy=dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}
                )
            ),
            opts=self.child(),
            **shared,
        )
        self.policy = self._policy(name, self.queue, args.guests)
        self._policy(dead, dead_letters, ())
        self.register_outputs({"url": self.queue.url, "deadLetters": dead_letters.url})

    def _policy(
        self, name: str, queue: aws.sqs.Queue, guests: Sequence[Guest]
    ) -> aws.sqs.QueuePolicy:
        return aws.sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=resource_policy(queue.arn, QUEUE_REFUSALS, guests),
            opts=self.child(),
        )
