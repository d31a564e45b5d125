import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.notices import Landed, NotANotice, parse, project_of


def s3(name: str = "ObjectCreated:CompleteMultipartUpload", **changes: Any) -> dict[str, Any]:
    """As S3 writes it (event version 2.1)."""
    found = {
        "key": "incoming/prj_1/My+holiday+%281%29+%C3%A4+%2B.mov",
        "size": 1024,
        "eTag": "d41d8cd98f00b204e9800998ecf8427e-2",
        "sequencer": "0055AED6DCD90281E5",
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "new-videos",
            "bucket": {
                "name": "sources",
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::sources",
            },
            "object": found | changes,
        },
    }


def bridge(kind: str = "Object Created", **changes: Any) -> dict[str, Any]:
    """As EventBridge delivers it."""
    found = {
        "key": "incoming/prj_1/My holiday + ä.mov",
        "size": 5,
        "etag": "b1946ac92492d2347c6235b4d2611184",
        "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        "sequencer": "00617F08299329D189",
    }
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-12T00:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:s3:::sources"],
        "detail": {
            "version": "0",
            "bucket": {"name": "sources"},
            "object": found | changes,
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "reason": "PutObject",
        },
    }


KEY = "incoming/prj_1/My holiday (1) ä +.mov"
LANDED = Landed("sources", KEY, 1024, None, "0055AED6DCD90281E5")


def test_the_notice_of_s3_itself() -> None:
    assert parse(json.dumps({"Records": [s3()]})) == [LANDED]


def test_the_same_inside_a_message_of_sns() -> None:
    message = {
        "Type": "Notification",
        "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162",
        "TopicArn": "arn:aws:sns:eu-central-1:111122223333:new-videos",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps({"Records": [s3()]}),
        "Timestamp": "2026-01-01T00:00:00.000Z",
    }
    assert parse(json.dumps(message)) == [LANDED]
    with pytest.raises(NotANotice):
        parse(json.dumps(message | {"Message": json.dumps(message)}))


def test_the_event_of_eventbridge_whose_keys_are_not_encoded() -> None:
    [landed] = parse(json.dumps(bridge()))
    assert landed.key == "incoming/prj_1/My holiday + ä.mov"
    assert landed.version_id == landed.version == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"


def test_a_versioned_object_is_told_by_its_version() -> None:
    [landed] = parse(json.dumps({"Records": [s3(versionId="096fKKXTRTtl3on89fVO.nfljtsv6qko")]}))
    assert landed.version == landed.version_id == "096fKKXTRTtl3on89fVO.nfljtsv6qko"
    [plain] = parse(json.dumps({"Records": [s3(versionId="null")]}))
    assert plain.version_id is None


@pytest.mark.parametrize(
    "message",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "sources"},
        {"Records": [s3("ObjectRemoved:Delete"), s3("ObjectRestore:Post")]},
        {"Records": []},
        bridge("Object Deleted"),
        bridge("Object Tags Added"),
    ],
)
def test_what_is_no_new_object_is_passed_over(message: dict[str, Any]) -> None:
    assert parse(json.dumps(message)) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "{}",
        '{"Records": [{"eventName": "ObjectCreated:Put"}]}',
        json.dumps(bridge(key=7)),
        json.dumps({"Records": [s3(key="", eTag="")]}),
        json.dumps({"Type": "Notification", "Message": "hello"}),
        "[" * 100_000,
    ],
)
def test_what_is_no_notice_says_so(body: str) -> None:
    with pytest.raises(NotANotice):
        parse(body)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists) | st.text())
def test_nothing_else_breaks_it(message: object) -> None:
    with pytest.raises(NotANotice):
        parse(json.dumps(message))


@pytest.mark.parametrize(
    ("key", "project_id"),
    [
        ("incoming/prj_1/a.mov", "prj_1"),
        ("incoming/prj_1/deep/er/a.mov", "prj_1"),
        ("incoming/prj_1/", None),
        ("incoming/prj_1/folder/", None),
        ("incoming/a.mov", None),
        ("incoming//a.mov", None),
        ("elsewhere/prj_1/a.mov", None),
    ],
)
def test_whose_an_object_is(key: str, project_id: str | None) -> None:
    assert project_of(key, "incoming/") == project_id
