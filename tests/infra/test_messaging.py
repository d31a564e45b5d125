"""Queues and topics: as the app names them, with dead letters, and what each holder may do."""

import json

import pytest

from app.jobs import queue_names as app_names
from app.settings.queue import QueueSettings
from infra.grants import Grant
from infra.names import Names
from infra.state.messaging import Messaging, MessagingArgs
from infra.state.queues import dead_letter_name, queue_name, work_queues
from tests.infra.outputs import ACCOUNT, REGION
from tests.infra.policies import granted, guests, statements
from tests.infra.recorder import Recording, record

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/messages"
PREFIX = "spool-dev"


def _messaging(key: str | None = KEY) -> Messaging:
    return Messaging("messaging", MessagingArgs(Names("spool", "dev"), key))


def _recorded(key: str | None = KEY) -> Recording:
    return record(lambda: (_messaging(key), None)[1])


def _arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def test_names_are_those_that_the_app_looks_for() -> None:
    ours = [queue_name(PREFIX, kind, band) for kind, band in work_queues()]
    assert set(ours) == set(app_names.every_queue(PREFIX))
    assert [dead_letter_name(each) for each in ours] == [
        app_names.dead_letter_name(each) for each in ours
    ]


def test_the_app_takes_the_prefix_of_a_long_stack() -> None:
    prefix = Names("spool", "a-branch-" * 9).queue_prefix
    assert QueueSettings(sqs_queue_prefix=prefix).sqs_queue_prefix == prefix


def test_each_queue_gives_up_after_three_receives_and_keeps_for_a_fortnight() -> None:
    recording = _recorded()
    queues = {each.inputs["name"]: each.inputs for each in recording.of_type("aws:sqs/queue:Queue")}
    assert len(queues) == 16
    for name, inputs in queues.items():
        assert inputs["messageRetentionSeconds"] == 14 * 24 * 3600
        assert inputs["kmsMasterKeyId"] == KEY
        if name.endswith("-dlq"):
            continue
        assert inputs["receiveWaitTimeSeconds"] == 20
        assert json.loads(inputs["redrivePolicy"]) == {
            "deadLetterTargetArn": _arn(f"{name}-dlq"),
            "maxReceiveCount": 3,
        }


def test_without_a_key_of_ours_messages_are_encrypted_all_the_same() -> None:
    recording = _recorded(None)
    queues = recording.of_type("aws:sqs/queue:Queue")
    assert all(each.inputs["sqsManagedSseEnabled"] for each in queues)
    topics = recording.of_type("aws:sns/topic:Topic")
    assert all(each.inputs["kmsMasterKeyId"] for each in topics)


def test_only_its_own_topic_sends_to_a_queue_of_events_and_nobody_to_the_others() -> None:
    let_in = {
        each.name: guests(each.inputs["policy"])
        for each in _recorded().of_type("aws:sqs/queuePolicy:QueuePolicy")
    }
    assert len(let_in) == 16
    senders = {name: found for name, found in let_in.items() if found}
    assert set(senders) == {"messaging-api-events", "messaging-worker-events"}
    statement = senders["messaging-api-events"]["sns.amazonaws.com"]
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:messaging-api-events"}
    }
    assert statement["Resource"] == _arn("spool-api-events-dev")


def test_nothing_is_taken_without_tls() -> None:
    recording = _recorded()
    for type_ in ("aws:sqs/queuePolicy:QueuePolicy", "aws:sns/topicPolicy:TopicPolicy"):
        for each in recording.of_type(type_):
            (refused,) = [
                one for one in statements(each.inputs["policy"]) if one["Effect"] == "Deny"
            ]
            assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_grants_are_what_the_docs_ask_for() -> None:
    def grants() -> dict[str, Grant]:
        messaging = _messaging()
        return {
            "send": messaging.send_grant(),
            "encode": messaging.consume_grant("encode"),
            "publish": messaging.publish_grant(),
        }

    actions, environment = granted(grants)
    work = {_arn(queue_name(PREFIX, kind, band)) for kind, band in work_queues()}
    encode = {_arn(f"{PREFIX}-encode-{band}") for band in app_names.Band}
    assert actions["send"] == {
        "sqs:SendMessage": work,
        "kms:Decrypt": {KEY},
        "kms:GenerateDataKey": {KEY},
        "sqs:GetQueueUrl": work,
        "sqs:GetQueueAttributes": work,
    }
    assert actions["encode"] == {
        "sqs:ReceiveMessage": encode,
        "sqs:DeleteMessage": encode,
        "sqs:ChangeMessageVisibility": encode,
        "kms:Decrypt": {KEY},
        "sqs:GetQueueUrl": encode,
        "sqs:GetQueueAttributes": encode,
    }
    topics = {
        f"arn:aws:sns:{REGION}:{ACCOUNT}:messaging-{each}-events" for each in ("api", "worker")
    }
    assert actions["publish"]["sns:Publish"] == topics
    assert environment["publish"] == {
        "SPOOL_SNS_API_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:messaging-api-events",
        "SPOOL_SNS_WORKER_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:messaging-worker-events",
    }
    assert environment["encode"] == {
        "SPOOL_QUEUE": "sqs",
        "SPOOL_SQS_QUEUE_PREFIX": PREFIX,
        "SPOOL_LEASE_SECONDS": "30",
    }


@pytest.mark.parametrize("variable", ["SPOOL_SNS_API_TOPIC_ARN", "SPOOL_SNS_WORKER_TOPIC_ARN"])
def test_events_are_messages_without_an_envelope(variable: str) -> None:
    recording = _recorded()
    origin = "api" if "API" in variable else "worker"
    subscribed = recording.one(
        "aws:sns/topicSubscription:TopicSubscription", f"messaging-{origin}-events"
    )
    assert subscribed.inputs["rawMessageDelivery"]
    assert subscribed.inputs["endpoint"] == _arn(f"spool-{origin}-events-dev")
