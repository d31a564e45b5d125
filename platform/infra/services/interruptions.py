"""What EC2 says before it takes an instance away, in a queue that Karpenter reads."""

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import QUEUE, Names
from infra.state.resource_policy import QUEUE_REFUSALS, Guest, resource_policy

# What was not read in five minutes is about an instance that is gone.
_RETENTION_SECONDS = 300
_NOTICES: Mapping[str, tuple[str, str]] = {
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "health": ("aws.health", "AWS Health Event"),
}


class Interruptions(Component):
    """The queue, and the rules of EventBridge that fill it.

    Attributes:
        queue: The queue.
        ready: What Karpenter waits for.
    """

    KIND = "services:Interruptions"

    def __init__(self, name: str, names: Names, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.queue = aws.sqs.Queue(
            name,
            name=names.of("interruptions", longest=QUEUE),
            message_retention_seconds=_RETENTION_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=self.child(),
        )
        rules = {
            key: aws.cloudwatch.EventRule(
                f"{name}-{key}",
                name=names.of(f"interruptions-{key}"),
                event_pattern=json.dumps({"source": [source], "detail-type": [kind]}),
                opts=self.child(),
            )
            for key, (source, kind) in _NOTICES.items()
        }
        policy = aws.sqs.QueuePolicy(
            name,
            queue_url=self.queue.id,
            policy=resource_policy(
                self.queue.arn,
                QUEUE_REFUSALS,
                [
                    Guest(
                        "events.amazonaws.com",
                        ["sqs:SendMessage"],
                        {"ArnEquals": {"aws:SourceArn": rule.arn}},
                    )
                    for rule in rules.values()
                ],
            ),
            opts=self.child(),
        )
        for key, rule in rules.items():
            aws.cloudwatch.EventTarget(
                f"{name}-{key}",
                rule=rule.name,
                arn=self.queue.arn,
                opts=self.child(depends_on=[policy]),
            )
        self.ready: list[pulumi.Resource] = [self.queue, policy]
        self.register_outputs({})
