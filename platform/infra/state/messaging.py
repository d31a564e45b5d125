"""What wakes workers, and what tells other systems: queues of work, topics of events."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement, key_use
from infra.names import Names
from infra.state.event_topic import EventTopic, EventTopicArgs
from infra.state.queue import Queue, QueueArgs
from infra.state.queues import BANDS, LEASE_SECONDS, Kind, queue_name, work_queues

_LOOK = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes")


@dataclass(frozen=True)
class MessagingArgs:
    """What `Messaging` takes.

    Args:
        names: Of the stack.
        kms_key: ARN of the key of messages; AWS' own keys where it is None.
    """

    names: Names
    kms_key: pulumi.Input[str] | None


class Messaging(Component):
    """All queues and topics.

    Attributes:
        queues: Of work, by kind and band.
        dead_letters: Theirs.
        api_events, worker_events: Topics with their queues.
    """

    KIND = "state:Messaging"

    def __init__(
        self, name: str, args: MessagingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._kms_key = args.kms_key
        prefix = args.names.queue_prefix
        made = {
            (kind, band): Queue(
                f"{name}-{kind}-{band}",
                QueueArgs(
                    name=queue_name(prefix, kind, band),
                    kms_key=args.kms_key,
                    visible_after_seconds=LEASE_SECONDS,
                ),
                opts=self.child(),
            )
            for kind, band in work_queues()
        }
        self.queues: dict[tuple[str, str], aws.sqs.Queue] = {
            key: each.queue for key, each in made.items()
        }
        self.dead_letters: dict[tuple[str, str], aws.sqs.Queue] = {
            key: each.dead_letters for key, each in made.items()
        }
        self.api_events, self.worker_events = (
            EventTopic(
                f"{name}-{origin}-events",
                EventTopicArgs(args.names.of(f"{origin}-events"), args.kms_key),
                opts=self.child(),
            )
            for origin in ("api", "worker")
        )
        self._environment = {
            "SPOOL_QUEUE": "sqs",
            "SPOOL_SQS_QUEUE_PREFIX": prefix,
            "SPOOL_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        self._topics: dict[str, pulumi.Input[str]] = {
            "SPOOL_SNS_API_TOPIC_ARN": self.api_events.topic.arn,
            "SPOOL_SNS_WORKER_TOPIC_ARN": self.worker_events.topic.arn,
        }
        self.register_outputs({"prefix": prefix, **self._topics})

    def send_grant(self) -> Grant:
        """Rings for ready tasks of every kind, and counts what is waiting."""
        every = _arns(list(self.queues.values()))
        return Grant(
            [
                Statement(["sqs:SendMessage", *_LOOK], every),
                *key_use(self._kms_key, "kms:Decrypt", "kms:GenerateDataKey"),
            ],
            self._environment,
        )

    def consume_grant(self, kind: Kind) -> Grant:
        """Takes tasks of one kind; `/ready` counts those of its queues."""
        taken = [self.queues[kind, band] for band in BANDS]
        return Grant(
            [
                Statement(
                    [
                        "sqs:ReceiveMessage",
                        "sqs:DeleteMessage",
                        "sqs:ChangeMessageVisibility",
                        *_LOOK,
                    ],
                    _arns(taken),
                ),
                *key_use(self._kms_key, "kms:Decrypt"),
            ],
            self._environment,
        )

    @property
    def topics(self) -> dict[str, pulumi.Output[str]]:
        """ARNs by where their events began."""
        return {"api": self.api_events.topic.arn, "worker": self.worker_events.topic.arn}

    def publish_grant(self) -> Grant:
        """Sends the events that rows say. Who writes the rows has to know the topics too."""
        return Grant(
            [
                Statement(
                    ["sns:Publish"], [self.api_events.topic.arn, self.worker_events.topic.arn]
                ),
                *key_use(self._kms_key, "kms:Decrypt", "kms:GenerateDataKey"),
            ],
            self._topics,
        )


def _arns(queues: Sequence[aws.sqs.Queue]) -> list[pulumi.Input[str]]:
    return [each.arn for each in queues]
