"""A topic of events with the queue that is subscribed to it (docs/events.md)."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.state.queue import Queue, QueueArgs
from infra.state.resource_policy import TOPIC_REFUSALS, Guest, resource_policy


@dataclass(frozen=True)
class EventTopicArgs:
    """What `EventTopic` takes.

    Args:
        name: Of both, topic and queue.
        kms_key: ARN of the key of messages, whose policy lets SNS in; AWS' own where it is None.
    """

    name: str
    kms_key: pulumi.Input[str] | None


class EventTopic(Component):
    """A topic and its queue.

    Attributes:
        topic: What Spool publishes to.
        queue: What one's own systems read.
    """

    KIND = "state:EventTopic"

    def __init__(
        self, name: str, args: EventTopicArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.topic = aws.sns.Topic(
            name,
            name=args.name,
            # SNS has no keys of its own but this one, an AWS-managed key of the account.
            kms_master_key_id="alias/aws/sns" if args.kms_key is None else args.kms_key,
            opts=self.child(),
        )
        aws.sns.TopicPolicy(
            name,
            arn=self.topic.arn,
            policy=resource_policy(self.topic.arn, TOPIC_REFUSALS),
            opts=self.child(),
        )
        queue = Queue(
            name,
            QueueArgs(
                name=args.name,
                kms_key=args.kms_key,
                guests=[
                    Guest(
                        "sns.amazonaws.com",
                        ["sqs:SendMessage"],
                        {"ArnEquals": {"aws:SourceArn": self.topic.arn}},
                    )
                ],
            ),
            opts=self.child(),
        )
        self.queue = queue.queue
        aws.sns.TopicSubscription(
            name,
            topic=self.topic.arn,
            protocol="sqs",
            endpoint=self.queue.arn,
            # The message's body is the event itself.
            raw_message_delivery=True,
            opts=self.child(depends_on=[queue.policy]),
        )
        self.register_outputs({"topic": self.topic.arn, "queue": self.queue.url})
