"""Domain events to SNS: one topic for what began in the API, one for what began in workers.

Needs sns:Publish on both topics, and on a topic with a KMS key kms:GenerateDataKey and kms:Decrypt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from app.foundation.threads import Threads
from app.notifications.channels import Delivery, Failed, Outcome
from app.notifications.message import MAX_BYTES, encode, message_of
from app.notifications.models import ChannelName, Origin

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

_ENTRIES = 10
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as SNS counts it.

    Args:
        place: Of its delivery in the batch.
        attributes: What subscriptions filter by; text, and none of it empty.
    """

    place: int
    body: str
    attributes: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of the body, and of the attributes with their names and types."""
        attributes = sum(
            len(name) + len("String") + len(value.encode())
            for name, value in self.attributes.items()
        )
        return len(self.body.encode()) + attributes


def entry_of(place: int, delivery: Delivery) -> Entry:
    row, event = delivery.row, delivery.event
    attributes = {
        "type": event.type,
        "project_id": row.project_id,
        "correlation_id": row.correlation_id,
    }
    if row.traceparent:
        attributes["traceparent"] = row.traceparent
    room = MAX_BYTES - Entry(place, "", attributes).size
    return Entry(place, encode(message_of(delivery), room=room).decode(), attributes)


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """In order, as many at once as one request takes: ten, and 256 KiB together."""
    batch: list[Entry] = []
    for entry in entries:
        full = len(batch) == _ENTRIES or sum(e.size for e in [*batch, entry]) > MAX_BYTES
        if batch and full:
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


class TopicChannel:
    """Publishes to the topic of the event's origin.

    Args:
        topics: ARN by origin. An event whose origin has none is not for anybody.
    """

    name = ChannelName.TOPIC
    batch_size = 100

    def __init__(self, client: "SNSClient", topics: Mapping[Origin, str]) -> None:
        self._client = client
        self._topics = topics
        self._threads = Threads(_THREADS, "sns")

    async def deliver(self, batch: Sequence[Delivery]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = [None] * len(batch)
        for origin, topic in self._topics.items():
            entries = [
                entry_of(place, delivery)
                for place, delivery in enumerate(batch)
                if delivery.row.origin is origin
            ]
            for some in batches(entries):
                failures = await self._threads.run(self._publish, topic, some)
                for place, error in failures.items():
                    # What is wrong with a topic or a permission can be put right.
                    outcomes[place] = Failed(error)
        return outcomes

    def _publish(self, topic: str, batch: Sequence[Entry]) -> dict[int, str]:
        """Why each that failed did, by its place."""
        try:
            answer = self._client.publish_batch(
                TopicArn=topic, PublishBatchRequestEntries=[_request(entry) for entry in batch]
            )
        except (BotoCoreError, ClientError) as error:
            return {entry.place: str(error) for entry in batch}
        return {
            int(each["Id"]): f"{each.get('Code', '')} {each.get('Message', '')}".strip()
            for each in answer.get("Failed", ())
        }

    async def close(self) -> None:
        self._threads.close()
        self._client.close()


def _request(entry: Entry) -> "PublishBatchRequestEntryTypeDef":
    return {
        "Id": str(entry.place),
        "Message": entry.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in entry.attributes.items()
        },
    }
