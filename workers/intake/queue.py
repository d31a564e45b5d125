"""The queue with a bucket's notices, from an event loop: boto3's calls block, so threads make them.

IAM: sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on the queue; the queue's
redrive policy takes what cannot be dealt with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.config import Config

from app.foundation.aws import make_client
from app.foundation.threads import Threads
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

VISIBILITY_SECONDS = 60
_BATCH = 10
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    receipt: str
    body: str


class NoticeQueue:
    """One queue."""

    def __init__(self, settings: Settings, url: str) -> None:
        self._url = url
        self._wait = settings.sqs_wait_seconds
        self._client: SQSClient = make_client(
            settings,
            "sqs",
            endpoint_url=settings.bucket_events_endpoint_url,
            connections=_THREADS,
            # A poll that waits is no answer that does not come.
            config=Config(read_timeout=self._wait + settings.aws_read_seconds),
        )
        self._threads = Threads(_THREADS, "notices")

    async def receive(self) -> list[Message]:
        """Up to ten messages, as soon as there are some; hidden from others for a while."""
        return await self._threads.run(self._receive)

    def _receive(self) -> list[Message]:
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=_BATCH,
            WaitTimeSeconds=self._wait,
            VisibilityTimeout=VISIBILITY_SECONDS,
        )
        return [
            Message(str(index), each["ReceiptHandle"], each["Body"])
            for index, each in enumerate(answer.get("Messages", []))
        ]

    async def delete(self, messages: Sequence[Message]) -> None:
        """What is not deleted comes again, and is known then."""
        if messages:
            await self._threads.run(self._delete, messages)

    def _delete(self, messages: Sequence[Message]) -> None:
        entries = [{"Id": each.id, "ReceiptHandle": each.receipt} for each in messages]
        self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]  # dicts of two strings

    async def hide(self, message: Message, seconds: int) -> None:
        """Hides a message from others for so long from now; 0 shows it to them."""
        await self._threads.run(self._hide, message, seconds)

    def _hide(self, message: Message, seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
        )

    def close(self) -> None:
        self._threads.close()
        self._client.close()
