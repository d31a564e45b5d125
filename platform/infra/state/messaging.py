"""What wakes workers, and what tells other systems: queues of work, topics of events."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement, key_use
from infra.names import Names
from infra.state.event_topic import EventTopic, EventTopicArgs
from infra.state.queue import RECEIVE, Queue, QueueArgs
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
        topics: ARNs by where their events began.
    """

    KIND = "state:Messaging"

    def __init__(
        self, name: str, args: MessagingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._kms_key = args.kms_key
        prefix = args.names.queue_prefix
        self.queues: dict[tuple[str, str], aws.sqs.Queue] = {
            (kind, band): Queue(
                f"{name}-{kind}-{band}",
                QueueArgs(
                    name=queue_name(prefix, kind, band),
                    kms_key=args.kms_key,
                    visible_after_seconds=LEASE_SECONDS,
                ),
                opts=self.child(),
            ).queue
            for kind, band in work_queues()
        }
        self.topics = {
            origin: EventTopic(
                f"{name}-{origin}-events",
                EventTopicArgs(args.names.of(f"{origin}-events"), args.kms_key),
                opts=self.child(),
            ).topic.arn
            for origin in ("api", "worker")
        }
        self._environment = {
            "SPOOL_QUEUE": "sqs",
            "SPOOL_SQS_QUEUE_PREFIX": prefix,
            "SPOOL_LEASE_SECONDS": str(LEASE_SECONDS),
        }
        self.register_outputs({"prefix": prefix, "topics": self.topics})

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
                Statement([*RECEIVE, *_LOOK], _arns(taken)),
                *key_use(self._kms_key, "kms:Decrypt"),
            ],
            self._environment,
        )

    def publish_grant(self) -> Grant:
        """Sends the events that rows say. Who writes the rows has to know the topics too."""
        return Grant(
            [
                Statement(["sns:Publish"], list(self.topics.values())),
                *key_use(self._kms_key, "kms:Decrypt", "kms:GenerateDataKey"),
            ],
            {f"SPOOL_SNS_{origin.upper()}_TOPIC_ARN": arn for origin, arn in self.topics.items()},
        )


def _arns(queues: Sequence[aws.sqs.Queue]) -> list[pulumi.Input[str]]:
    return [each.arn for each in queues]
