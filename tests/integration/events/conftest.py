"""Topics and queues on a server that speaks SNS and SQS, and an outbox that leads there."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from app.foundation.aws import make_client
from app.foundation.db.database import Database
from app.foundation.db.ids import random_id
from app.notifications.models import Origin
from app.notifications.outbox import Outlets
from app.notifications.topic import TopicChannel
from app.settings import Settings

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Subscribed:
    """A topic and the queue that hears it."""

    topic_arn: str
    queue_url: str
    sqs: "SQSClient"

    def drain(self) -> list[dict[str, Any]]:
        """All messages that are there, as they arrived; they are gone then."""
        found: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", []):
            self.sqs.delete_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
                    for n, each in enumerate(messages)
                ],
            )
            found += [dict(each) for each in messages]
        return found

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(message["Body"]) for message in self.drain()]


def subscribe(settings: Settings, url: str) -> Subscribed:
    """A topic with a queue that gets its messages raw."""
    sns: SNSClient = make_client(settings, "sns", endpoint_url=url)
    sqs: SQSClient = make_client(settings, "sqs", endpoint_url=url)
    name = f"test-{random_id(8)}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=attributes["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return Subscribed(topic, queue, sqs)


@pytest.fixture(autouse=True, scope="session")
def short_logs() -> None:
    """Without pictures of tracebacks."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"])])


@pytest.fixture
def heard(settings: Settings, moto_url: str, aws_credentials: None) -> Subscribed:
    """What the topic of the API's events says."""
    return subscribe(settings, moto_url)


@pytest.fixture
async def topic(
    settings: Settings, moto_url: str, heard: Subscribed
) -> AsyncIterator[TopicChannel]:
    client = make_client(settings, "sns", endpoint_url=moto_url, attempts=1)
    channel = TopicChannel(client, {Origin.API: heard.topic_arn})
    yield channel
    await channel.close()


Open = Callable[[Outlets], Database]


@pytest.fixture
async def open_database(database_url: str) -> AsyncIterator[Open]:
    """The test's database as a process with these outlets opens it."""
    opened: list[Database] = []

    def open_(outlets: Outlets) -> Database:
        opened.append(Database(database_url, pool_size=5, info=outlets.info))
        return opened[-1]

    yield open_
    for each in opened:
        await each.close()


@pytest.fixture
def api_database(open_database: Open) -> Database:
    """As the API opens it where events go to a topic."""
    return open_database(Outlets(Origin.API, topic=True))
