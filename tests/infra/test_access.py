"""What the stack grants against what the code calls, with the components that grant it."""

import json
import re
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
import pytest
from botocore import xform_name
from botocore.session import get_session

from infra.application.application import Application
from infra.application.processes import PROCESSES
from infra.application.wiring import Grants
from infra.names import Names
from infra.state.bucket_notices import BucketNotices, BucketNoticesArgs
from infra.state.buckets import Buckets, BucketsArgs
from infra.state.mail import Mail, MailArgs
from infra.state.messaging import Messaging, MessagingArgs
from infra.state.secrets import Secrets, SecretsArgs
from infra.state.stream import Stream, StreamArgs
from tests.infra import applications
from tests.infra.outputs import ACCOUNT, REGION
from tests.infra.recorder import Recording, environment_of, record

ROOT = Path(__file__).parents[2]
_NAMES = Names("spool", "dev")
_GET = {"s3:GetObject", "s3:ListBucket"}
_PUT = {
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
}
_COUNT = {"sqs:GetQueueUrl", "sqs:GetQueueAttributes"}
_RECEIVE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}
_READ_STREAM = {"kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"}
# By the sections "Grants" of docs/roles.md, object-store.md, queues.md, events.md, streams.md and
# bucket-events.md.
_NEEDED = {
    "uploader": _GET | _PUT,
    "catalog": _GET,
    "encode": _GET | _PUT | _RECEIVE | _COUNT,
    "light": _GET | _PUT | _RECEIVE | _COUNT,
    "relay": _GET
    | _PUT
    | _COUNT
    | {
        "s3:ListBucketMultipartUploads",
        "sqs:SendMessage",
        "sns:Publish",
        "ses:SendEmail",
        "ses:SendRawEmail",
    },
    "intake": _GET | _PUT | _READ_STREAM | _RECEIVE | {"s3:GetObjectVersion"},
}
# Modules that call AWS from a pod, and what the calls are called in policies; see the service
# authorisation reference. `spool queues` and `spool stream`, which people run, are not here.
_CALLERS = {
    "s3": ["app/foundation/storage/s3*.py", "workers/intake/landed_objects.py"],
    "sqs": ["app/foundation/sqs.py", "workers/intake/queue.py"],
    "sns": ["app/notifications/topic.py"],
    "sesv2": ["app/notifications/mail/ses.py"],
    "kinesis": ["workers/intake/kinesis.py"],
}
_ACTIONS = {
    "head_object": {"s3:GetObject"},
    "head_bucket": {"s3:ListBucket"},
    "list_objects_v2": {"s3:ListBucket"},
    "list_multipart_uploads": {"s3:ListBucketMultipartUploads"},
    "list_parts": {"s3:ListMultipartUploadParts"},
    "copy_object": {"s3:GetObject", "s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "upload_part_copy": {"s3:GetObject", "s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "delete_objects": {"s3:DeleteObject"},
    "send_message_batch": {"sqs:SendMessage"},
    "delete_message_batch": {"sqs:DeleteMessage"},
    "change_message_visibility_batch": {"sqs:ChangeMessageVisibility"},
    "publish_batch": {"sns:Publish"},
    # SES asks for the second one where the mail comes as it is, with its headers.
    "send_email": {"ses:SendEmail", "ses:SendRawEmail"},
    # The version of an object, where its notice names one.
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    # In development, and by people.
    "create_queue": set(),
    "start_message_move_task": set(),
}


@pytest.fixture(scope="module", params=[None, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"])
def recording(request: pytest.FixtureRequest) -> Recording:
    key: str | None = request.param

    def program() -> None:
        buckets = Buckets(
            "buckets",
            BucketsArgs(
                names=_NAMES,
                account=ACCOUNT,
                region=REGION,
                kms_key=key,
                protect=False,
                source_tiers=True,
                incoming=True,
                replica=None,
                site_origins=["https://spool.example"],
                distribution_arn=None,
                log_retention_days=7,
            ),
        )
        messaging = Messaging("messaging", MessagingArgs(_NAMES, key))
        secrets = Secrets("secrets", SecretsArgs(_NAMES, key, recoverable=False))
        mail = Mail("mail", MailArgs(_NAMES, REGION, "Spool <spool@spool.example>", None, None))
        stream = Stream("stream", StreamArgs(_NAMES, 1, 24, "prj_1", key))
        notices = BucketNotices(
            "notices", BucketNoticesArgs(_NAMES, ACCOUNT, buckets.source, "s3", key)
        )
        made_up = applications.grants()
        args = applications.arguments(
            grants=Grants.of(
                buckets,
                messaging,
                database=made_up.database,
                migration=made_up.migration,
                signing=secrets.signing_grant(),
                mail=mail.send_grant(),
                stream=stream.consume_grant(),
                notices=notices.consume_grant(),
            ),
            queue_urls={
                kind: [messaging.queues[kind, band].url for band in ("high", "normal", "low")]
                for kind in ("encode", "light")
            },
        )
        providers = [aws.Provider("aws", region=REGION), k8s.Provider("kubernetes")]
        Application("application", args, opts=pulumi.ResourceOptions(providers=providers))

    return record(program)


def _granted(recording: Recording) -> dict[str, set[str]]:
    return {
        each.name: {
            action
            for statement in json.loads(each.inputs["policy"])["Statement"]
            for action in statement["Action"]
        }
        for each in recording.of_type("aws:iam/rolePolicy:RolePolicy")
        if each.name in PROCESSES
    }


def test_each_role_may_what_its_docs_say_and_no_more(recording: Recording) -> None:
    of_keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert {name: found - of_keys for name, found in _granted(recording).items()} == _NEEDED


def test_nobody_is_granted_what_no_code_calls_and_all_that_code_calls_is(
    recording: Recording,
) -> None:
    called = set()
    for service, patterns in _CALLERS.items():
        source = "".join(f.read_text() for each in patterns for f in ROOT.glob(each))
        for name in set(re.findall(r"client\.([a-z_0-9]+)\b(?!\()?", source)) & _operations(
            service
        ):
            plain = f"{service.removesuffix('v2')}:{''.join(w.title() for w in name.split('_'))}"
            called |= _ACTIONS.get(name, {plain})
    of_keys = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert called == set().union(*_granted(recording).values()) - of_keys


def _operations(service: str) -> set[str]:
    """What boto3's client of a service can be asked, by its methods."""
    return {xform_name(name) for name in get_session().get_service_model(service).operation_names}


def test_resources_are_named(recording: Recording) -> None:
    for each in recording.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(each.inputs["policy"])["Statement"]:
            assert "*" not in statement["Resource"], each.name
            assert not [action for action in statement["Action"] if "*" in action]


def test_only_light_work_and_the_sweep_see_all_buckets(recording: Recording) -> None:
    told = {
        name: {
            variable
            for variable in environment_of(recording.one("kubernetes:apps/v1:Deployment", name))
            if variable.startswith("SPOOL_S3_")
        }
        for name in _NEEDED
    }
    two = {"SPOOL_S3_SOURCE_BUCKET", "SPOOL_S3_MEDIA_BUCKET"}
    four = two | {"SPOOL_S3_FRAMES_BUCKET", "SPOOL_S3_ARCHIVE_BUCKET"}
    assert told == {name: four if name in ("light", "relay") else two for name in _NEEDED}


def test_leases_and_visibility_are_the_same_for_all(recording: Recording) -> None:
    found = {
        environment_of(each)["SPOOL_LEASE_SECONDS"]["value"]
        for each in recording.of_type("kubernetes:apps/v1:Deployment")
        if "SPOOL_LEASE_SECONDS" in environment_of(each)
    }
    assert len(found) == 1
    assert int(found.pop()) >= 2
