"""What stacks need before there is one: a bucket for their state and a key for their secrets.

By boto3, because Pulumi's own state has nowhere to be yet. Each step looks first, so that running
it again changes nothing.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.stacks.errors import BackendAway

_ALIAS = "alias/spool-state"


@dataclass(frozen=True)
class Backend:
    """What to tell the CLI: `PULUMI_BACKEND_URL` and `--secrets-provider`."""

    backend_url: str
    secrets_provider: str


def bootstrap(bucket: str, region: str, endpoint_url: str | None = None) -> Backend:
    """A private, versioned bucket under a KMS key that only takes TLS, with locks by Pulumi.

    Raises:
        BackendAway: AWS refuses; with its words.
    """
    session = boto3.Session(region_name=region)
    try:
        key = _key(session.client("kms", endpoint_url=endpoint_url))
        _bucket(session.client("s3", endpoint_url=endpoint_url), bucket, region, key)
    except (ClientError, BotoCoreError) as error:
        raise BackendAway(f"The state's bucket or key could not be made: {error}") from error
    return Backend(
        backend_url=f"s3://{bucket}?region={region}&awssdk=v2",
        secrets_provider=f"awskms://{_ALIAS}?region={region}",
    )


def _key(kms: Any) -> str:
    try:
        return str(kms.describe_key(KeyId=_ALIAS)["KeyMetadata"]["Arn"])
    except kms.exceptions.NotFoundException:
        made = kms.create_key(Description="State and secrets of Spool's stacks")["KeyMetadata"]
        kms.enable_key_rotation(KeyId=made["KeyId"])
        kms.create_alias(AliasName=_ALIAS, TargetKeyId=made["KeyId"])
        return str(made["Arn"])


def _bucket(s3: Any, bucket: str, region: str, key: str) -> None:
    place = {} if region == "us-east-1" else {"LocationConstraint": region}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {}))
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": True}]
        },
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_tls_only(bucket)))


def _tls_only(bucket: str) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTLS",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
