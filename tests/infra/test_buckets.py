"""Buckets: closed, encrypted, kept; what each is granted; who else is let in."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from infra.names import Names
from infra.state.buckets import WHICH, Buckets, BucketsArgs
from tests.infra.outputs import ACCOUNT
from tests.infra.policies import granted, guests, statements
from tests.infra.recorder import Recording, record

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/media"
ALL = (*WHICH, "logs")


def _buckets(**changes: Any) -> Buckets:
    args: dict[str, Any] = {
        "names": Names("spool", "dev"),
        "account": ACCOUNT,
        "region": "us-east-1",
        "kms_key": KEY,
        "protect": False,
        "source_tiers": True,
        "incoming": True,
        "replica": None,
        "site_origins": ["https://videos.example"],
        "distribution_arn": None,
        "log_retention_days": 7,
        **changes,
    }
    return Buckets("buckets", BucketsArgs(**args))


def _recorded(**changes: Any) -> Recording:
    return record(lambda: (_buckets(**changes), None)[1])


def test_every_bucket_is_closed_kept_and_encrypted() -> None:
    recording = _recorded()
    for what in ALL:
        name = f"buckets-{what}"
        bucket = recording.one("aws:s3/bucket:Bucket", name)
        assert bucket.inputs["bucket"] == f"spool-{what}-{ACCOUNT}-dev"
        assert bucket.inputs["forceDestroy"]
        closed = recording.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name)
        assert [value for key, value in closed.inputs.items() if key != "bucket"] == [True] * 4
        versions = recording.one("aws:s3/bucketVersioning:BucketVersioning", name)
        assert versions.inputs["versioningConfiguration"] == {"status": "Enabled"}
        policy = recording.one("aws:s3/bucketPolicy:BucketPolicy", name)
        refused = [each for each in statements(policy.inputs["policy"]) if each["Effect"] == "Deny"]
        arn = f"arn:aws:s3:::spool-{what}-{ACCOUNT}-dev"
        assert [each["Resource"] for each in refused] == [[arn, f"{arn}/*"]] * 2
        assert refused[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize(("key", "algorithm"), [(KEY, "aws:kms"), (None, "AES256")])
def test_the_key_is_that_of_media_but_for_logs(key: str | None, algorithm: str) -> None:
    recording = _recorded(kms_key=key)
    used = {
        each.name: each.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        for each in recording.of_type(
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
        )
    }
    assert used == {
        "buckets-logs": "AES256",
        **{f"buckets-{what}": algorithm for what in WHICH},
    }


def test_only_sources_move_and_every_bucket_is_swept() -> None:
    recording = _recorded()
    rules = {
        each.name: {rule["id"]: rule for rule in each.inputs["rules"]}
        for each in recording.of_type(
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
        )
    }
    assert {name for name, found in rules.items() if "tiers" in found} == {"buckets-source"}
    tiers = rules["buckets-source"]["tiers"]
    assert tiers["filter"] == {"prefix": "videos/"}
    assert [(each["storageClass"], each["days"]) for each in tiers["transitions"]] == [
        ("STANDARD_IA", 30),
        ("GLACIER", 90),
        ("DEEP_ARCHIVE", 365),
    ]
    assert rules["buckets-source"]["incoming-expires"]["expiration"] == {"days": 7}
    assert rules["buckets-logs"]["all-expires"]["expiration"] == {"days": 7}
    for found in rules.values():
        assert {"abandoned-parts", "old-versions"} <= set(found)


def test_prod_keeps_its_buckets() -> None:
    buckets = _recorded(protect=True).of_type("aws:s3/bucket:Bucket")
    assert all(each.protect and not each.inputs["forceDestroy"] for each in buckets)


def test_the_distribution_reads_media_and_only_media() -> None:
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"
    recording = _recorded(distribution_arn=distribution)
    let_in = {
        what: guests(
            recording.one("aws:s3/bucketPolicy:BucketPolicy", f"buckets-{what}").inputs["policy"]
        )
        for what in ALL
    }
    assert {what for what, found in let_in.items() if found} == {"media", "logs"}
    reader = let_in["media"]["cloudfront.amazonaws.com"]
    assert reader["Action"] == ["s3:GetObject"]
    assert reader["Condition"] == {"StringEquals": {"aws:SourceArn": distribution}}
    assert all(each["Condition"] for each in let_in["logs"].values())


def test_the_policy_waits_for_a_distribution_that_is_made_from_the_bucket() -> None:
    """`__main__.py` wires them so: the policy needs the distribution, which needs the bucket."""

    def program() -> None:
        arn: pulumi.Output[str]
        resolve: Callable[[pulumi.Output[str]], None]
        arn, resolve = pulumi.deferred_output()
        buckets = _buckets(distribution_arn=arn)
        resolve(aws.s3.BucketObjectv2("stands-for-it", bucket=buckets.media.id).arn)

    policy = record(program).one("aws:s3/bucketPolicy:BucketPolicy", "buckets-media")
    assert "cloudfront.amazonaws.com" in guests(policy.inputs["policy"])


def test_grants_are_those_of_the_docs() -> None:
    def grants() -> dict[str, Any]:
        buckets = _buckets()
        return {
            "uploader": buckets.read_grant("source", "media") | buckets.write_grant("source"),
            "worker": buckets.read_grant() | buckets.write_grant() | buckets.sweep_grant(),
        }

    actions, environment = granted(grants)
    arns = {what: f"arn:aws:s3:::spool-{what}-{ACCOUNT}-dev" for what in WHICH}
    # docs/roles.md
    uploader = actions["uploader"]
    assert uploader["s3:PutObject"] == {f"{arns['source']}/*"}
    assert uploader["s3:GetObject"] == {f"{arns['source']}/*", f"{arns['media']}/*"}
    assert uploader["s3:ListBucket"] == {arns["source"], arns["media"]}
    assert environment["uploader"] == {
        "SPOOL_STORE": "s3",
        "SPOOL_S3_SOURCE_BUCKET": f"spool-source-{ACCOUNT}-dev",
        "SPOOL_S3_MEDIA_BUCKET": f"spool-media-{ACCOUNT}-dev",
    }
    # docs/object-store.md
    objects = {f"{arn}/*" for arn in arns.values()}
    assert actions["worker"] == {
        "s3:GetObject": objects,
        "s3:PutObject": objects,
        "s3:DeleteObject": objects,
        "s3:AbortMultipartUpload": objects,
        "s3:ListMultipartUploadParts": objects,
        "s3:ListBucket": set(arns.values()),
        "s3:ListBucketMultipartUploads": set(arns.values()),
        "kms:Decrypt": {KEY},
        "kms:GenerateDataKey": {KEY},
    }


@pytest.mark.parametrize("key", [KEY, None])
def test_copies_in_another_region(key: str | None) -> None:
    def program() -> None:
        there = aws.Provider("west", region="us-west-2")
        _buckets(replica=there, kms_key=key)

    recording = record(program)
    copies = [each for each in recording.of_type("aws:s3/bucket:Bucket") if "replica" in each.name]
    assert {each.inputs["bucket"] for each in copies} == {
        f"spool-source-replica-{ACCOUNT}-dev",
        f"spool-media-replica-{ACCOUNT}-dev",
    }
    here = recording.one("aws:s3/bucket:Bucket", "buckets-source").provider
    assert all("west" in each.provider and each.provider != here for each in copies)
    rule = recording.one(
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig", "buckets-replica-source"
    ).inputs["rules"][0]
    destination = rule["destination"]
    assert destination["bucket"] == f"arn:aws:s3:::spool-source-replica-{ACCOUNT}-dev"
    # Without both, S3 leaves out what is encrypted with a key and says nothing.
    assert ("sourceSelectionCriteria" in rule) is (key is not None)
    assert ("encryptionConfiguration" in destination) is (key is not None)
    role = recording.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]
    assert ("kms:Encrypt" in json.dumps(role)) is (key is not None)
