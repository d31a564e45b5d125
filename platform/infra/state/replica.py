"""Copies of buckets in another region, kept by S3 itself within a quarter of an hour."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement, key_use, policy_document
from infra.names import BUCKET, Names
from infra.state.bucket import Bucket, BucketArgs
from infra.trust import service_trust

# Storage class of copies: sources are large and rest; segments are smaller than what IA bills.
STORAGE_CLASS = {"source": "STANDARD_IA", "media": "STANDARD"}
_MINUTES = 15


@dataclass(frozen=True)
class ReplicaArgs:
    """What `Replica` takes.

    Args:
        names: Of the stack.
        account: Its AWS account id.
        provider: Of the other region.
        originals: Buckets by what they hold, `source` and `media`.
        kms_key: ARN of the originals' key. Where there is one the copies have one of their own
            region, since a key is known in one region only.
        protect: As the originals.
    """

    names: Names
    account: str
    provider: aws.Provider
    originals: Mapping[str, Bucket]
    kms_key: pulumi.Input[str] | None
    protect: bool


class Replica(Component):
    """Copies in another region.

    Attributes:
        buckets: By what they hold.
    """

    KIND = "state:Replica"

    def __init__(
        self, name: str, args: ReplicaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        there = args.provider
        key = self._key(name, args) if args.kms_key is not None else None
        self.buckets = {
            what: Bucket(
                f"{name}-{what}",
                BucketArgs(
                    name=args.names.of(f"{what}-replica-{args.account}", longest=BUCKET),
                    kms_key=key,
                    protect=args.protect,
                ),
                opts=self.child(providers=[there]),
            )
            for what in args.originals
        }
        role = self._role(name, args, key)
        for what, original in args.originals.items():
            copy = self.buckets[what]
            aws.s3.BucketReplicationConfig(
                f"{name}-{what}",
                bucket=original.bucket.id,
                role=role.arn,
                rules=[_rule(copy, STORAGE_CLASS[what], key)],
                opts=self.child(depends_on=[original.versioning, copy.versioning]),
            )
        self.register_outputs({what: bucket.bucket.bucket for what, bucket in self.buckets.items()})

    def _key(self, name: str, args: ReplicaArgs) -> pulumi.Output[str]:
        key = aws.kms.Key(
            name,
            description=f"{args.names.project} {args.names.stack}: copies of media",
            enable_key_rotation=True,
            deletion_window_in_days=30 if args.protect else 7,
            opts=self.child(provider=args.provider, protect=args.protect),
        )
        return key.arn

    def _role(self, name: str, args: ReplicaArgs, key: pulumi.Output[str] | None) -> aws.iam.Role:
        role = aws.iam.Role(
            name,
            name=args.names.of("replication"),
            assume_role_policy=service_trust(
                "s3", {"StringEquals": {"aws:SourceAccount": args.account}}
            ),
            opts=self.child(),
        )
        originals = [each.bucket.arn for each in args.originals.values()]
        copies = [each.bucket.arn for each in self.buckets.values()]
        statements = [
            Statement(["s3:GetReplicationConfiguration", "s3:ListBucket"], originals),
            Statement(
                [
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionTagging",
                ],
                _objects(originals),
            ),
            Statement(
                ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
                _objects(copies),
            ),
        ]
        statements += key_use(args.kms_key, "kms:Decrypt")
        statements += key_use(key, "kms:Encrypt", "kms:GenerateDataKey")
        aws.iam.RolePolicy(
            name, role=role.id, policy=policy_document(statements), opts=self.child()
        )
        return role


def _objects(buckets: list[pulumi.Output[str]]) -> list[pulumi.Input[str]]:
    return [pulumi.Output.format("{0}/*", arn) for arn in buckets]


def _rule(
    copy: Bucket, storage_class: str, key: pulumi.Output[str] | None
) -> aws.s3.BucketReplicationConfigRuleArgsDict:
    destination: aws.s3.BucketReplicationConfigRuleDestinationArgsDict = {
        "bucket": copy.bucket.arn,
        "storage_class": storage_class,
        # Without a time S3 promises none, and an hour is all that may be lost.
        "replication_time": {"status": "Enabled", "time": {"minutes": _MINUTES}},
        "metrics": {"status": "Enabled", "event_threshold": {"minutes": _MINUTES}},
    }
    rule: aws.s3.BucketReplicationConfigRuleArgsDict = {
        "id": "all",
        "status": "Enabled",
        "filter": {"prefix": ""},
        # What is erased here is erased there; its versions go when the copy's own lifecycle says.
        "delete_marker_replication": {"status": "Enabled"},
        "destination": destination,
    }
    if key is not None:
        destination["encryption_configuration"] = {"replica_kms_key_id": key}
        rule["source_selection_criteria"] = {"sse_kms_encrypted_objects": {"status": "Enabled"}}
    return rule
