"""SQS in batches: ten to a request, and word on each of the ten.

Calls block; they belong into threads. What is not done after botocore's own tries is told, and
left to whoever asked. The queue's account needs, for workers: sqs:GetQueueUrl, SendMessage,
ReceiveMessage, DeleteMessage, ChangeMessageVisibility, GetQueueAttributes; for redriving also
sqs:StartMessageMoveTask; CreateQueue in development only.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from app.foundation.telemetry.spans import Origin

# What an SQS that is away, slow or unwilling makes boto3 raise.
SQS_ERRORS = (BotoCoreError, ClientError)
MOST_IN_BATCH = 10
_MISSING = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class QueueMissing(Exception):
    """There is no queue of this name."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was received and is hidden from others for a while.

    Args:
        queue: Name of the queue it came from.
        receives: How often it has been received, this time included.
    """

    queue: str
    id: str
    receipt: str
    body: str
    receives: int
    attributes: Mapping[str, str]
    sent_at: datetime | None
    first_received_at: datetime | None
    raw_attributes: Mapping[str, Any]
    trace_header: str | None

    @property
    def origin(self) -> Origin:
        """The request that it goes back to."""
        return self.attributes.get("correlation_id"), self.attributes.get("traceparent")


@dataclass(frozen=True, slots=True)
class Depth:
    """Approximate counts of messages, as SQS gives them."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight + self.delayed


class Sqs:
    """Queues of one account by their names.

    Args:
        client: boto3's, of SQS.
        polling: One more, whose read timeout is longer than a long poll.
    """

    def __init__(self, client: Any, polling: Any | None = None) -> None:
        self._client = client
        self._polling = polling or client
        self._urls: dict[str, str] = {}
        self._lock = threading.Lock()

    def url(self, name: str) -> str:
        """Raises: QueueMissing, or what SQS_ERRORS names."""
        with self._lock:
            known = self._urls.get(name)
        if known is not None:
            return known
        try:
            found: str = self._client.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise QueueMissing(f"There is no queue {name}.") from error
            raise
        with self._lock:
            self._urls[name] = found
        return found

    def create(
        self, name: str, *, dead_letters: str, max_receives: int, retention_seconds: int, wait: int
    ) -> None:
        """Makes a queue and that of its dead letters; what is there stays as it is."""
        retention = {"MessageRetentionPeriod": str(retention_seconds)}
        target = self._create_missing(dead_letters, retention)
        policy = {
            "deadLetterTargetArn": self.arn_of(target),
            "maxReceiveCount": str(max_receives),
        }
        self._create_missing(
            name,
            {
                **retention,
                "ReceiveMessageWaitTimeSeconds": str(wait),
                "RedrivePolicy": json.dumps(policy),
            },
        )

    def _create_missing(self, name: str, attributes: Mapping[str, str]) -> str:
        try:
            return self.url(name)
        except QueueMissing:
            made: str = self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
            return made

    def arn_of(self, url: str) -> str:
        asked = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = asked["Attributes"]["QueueArn"]
        return arn

    def send(self, name: str, entries: Sequence[Mapping[str, Any]]) -> list[int]:
        """Sends messages; the places of those that the queue has taken.

        Raises:
            QueueMissing, or what SQS_ERRORS names: of a batch nothing is known then.
        """
        taken: list[int] = []
        for first in range(0, len(entries), MOST_IN_BATCH):
            batch = entries[first : first + MOST_IN_BATCH]
            answer = self._client.send_message_batch(
                QueueUrl=self.url(name),
                Entries=[{"Id": str(place), **entry} for place, entry in enumerate(batch)],
            )
            taken += [first + int(done["Id"]) for done in answer.get("Successful", ())]
        return taken

    def receive(
        self, name: str, *, most: int, wait_seconds: int, hidden_seconds: int
    ) -> list[Received]:
        client = self._polling if wait_seconds else self._client
        answer = client.receive_message(
            QueueUrl=self.url(name),
            MaxNumberOfMessages=min(most, MOST_IN_BATCH),
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=hidden_seconds,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [_received(name, message) for message in answer.get("Messages", ())]

    def delete(self, name: str, receipts: Sequence[str]) -> int:
        """How many could not be deleted: their receipts are too old."""
        return self._in_batches(
            self._client.delete_message_batch, name, [{"ReceiptHandle": each} for each in receipts]
        )

    def hide(self, name: str, seconds: Mapping[str, int]) -> int:
        """Hides received messages, by their receipts, for so long from now; 0 shows them at once.

        Returns:
            How many could not be: somebody else has them, or they are gone.
        """
        entries = [
            {"ReceiptHandle": receipt, "VisibilityTimeout": hidden}
            for receipt, hidden in seconds.items()
        ]
        return self._in_batches(self._client.change_message_visibility_batch, name, entries)

    def depth(self, name: str) -> Depth:
        asked = self._client.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=["All"])
        said = asked["Attributes"]
        return Depth(
            int(said.get("ApproximateNumberOfMessages", 0)),
            int(said.get("ApproximateNumberOfMessagesNotVisible", 0)),
            int(said.get("ApproximateNumberOfMessagesDelayed", 0)),
        )

    def start_move(self, source: str, destination: str) -> str | None:
        """Has SQS itself move all messages; None where the server does not do that."""
        try:
            answer = self._client.start_message_move_task(
                SourceArn=self.arn_of(self.url(source)),
                DestinationArn=self.arn_of(self.url(destination)),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNSUPPORTED:
                return None
            raise
        handle: str = answer.get("TaskHandle", "")
        return handle

    def close(self) -> None:
        self._client.close()
        self._polling.close()

    def _in_batches(self, call: Any, name: str, entries: Sequence[Mapping[str, Any]]) -> int:
        failed = 0
        for batch in _batches(entries):
            answer = call(
                QueueUrl=self.url(name),
                Entries=[{"Id": str(place), **entry} for place, entry in enumerate(batch)],
            )
            failed += len(answer.get("Failed", ()))
        return failed


_UNSUPPORTED = frozenset(
    {"InvalidAction", "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"}
)


def _batches(entries: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for first in range(0, len(entries), MOST_IN_BATCH):
        yield entries[first : first + MOST_IN_BATCH]


def _received(queue: str, message: Mapping[str, Any]) -> Received:
    system = message.get("Attributes", {})
    own = message.get("MessageAttributes", {})
    return Received(
        queue=queue,
        id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        receives=int(system.get("ApproximateReceiveCount", 1)),
        attributes={
            name: value["StringValue"] for name, value in own.items() if "StringValue" in value
        },
        sent_at=_instant(system.get("SentTimestamp")),
        first_received_at=_instant(system.get("ApproximateFirstReceiveTimestamp")),
        raw_attributes=own,
        trace_header=system.get("AWSTraceHeader"),
    )


def _instant(milliseconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None
