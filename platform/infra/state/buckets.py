"""The buckets of docs/object-store.md, and one for logs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, Statement, key_use
from infra.names import BUCKET, Names
from infra.state.bucket import Bucket, BucketArgs, Cors
from infra.state.lifecycle import INCOMING, INCOMING_DAYS, expiry, tiers
from infra.state.log_guests import cdn_logs, load_balancer_logs, server_logs, trail_logs
from infra.state.replica import Replica, ReplicaArgs
from infra.state.resource_policy import Guest

Which = Literal["source", "media", "frames", "archive"]
WHICH: Sequence[Which] = ("source", "media", "frames", "archive")
REPLICATED: Sequence[Which] = ("source", "media")


@dataclass(frozen=True)
class BucketsArgs:
    """What `Buckets` takes.

    Args:
        names: Of the stack.
        account: Id of the AWS account, a part of the names.
        region: Where the buckets are.
        kms_key: ARN of the key for media; S3's own keys where it is None.
        protect: Resist deletion.
        source_tiers: Sources move to cheaper storage classes with time.
        incoming: Objects land under `incoming/` of the source bucket, and go after a week.
        replica: Provider of the region of the copies, if any.
        site_origins: Sites whose pages send parts and fetch media; `*` where there is no name yet.
        distribution_arn: Of the CloudFront distribution that reads the media bucket, if any. It is
            made after the bucket, so this is a deferred output.
        log_retention_days: How long access logs are kept.
        trail: Name of the account's trail, whose records go to the bucket of logs; if any.
    """

    names: Names
    account: str
    region: str
    kms_key: pulumi.Input[str] | None
    protect: bool
    source_tiers: bool
    incoming: bool
    replica: aws.Provider | None
    site_origins: Sequence[pulumi.Input[str]]
    distribution_arn: pulumi.Input[str] | None
    log_retention_days: int
    trail: str | None = None


class Buckets(Component):
    """All buckets.

    Attributes:
        source, media: Buckets that others are told of.
        log_target: Name of the bucket of logs, known once its policy lets in who writes there: AWS
            tries that when it is told to.
    """

    KIND = "state:Buckets"

    def __init__(
        self, name: str, args: BucketsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._kms_key = args.kms_key
        called = {
            what: args.names.of(f"{what}-{args.account}", longest=BUCKET)
            for what in (*WHICH, "logs")
        }
        logs = Bucket(
            f"{name}-logs",
            BucketArgs(
                name=called["logs"],
                # Load balancers write to buckets under S3's own keys only.
                kms_key=None,
                protect=args.protect,
                rules=[expiry("", args.log_retention_days)],
                guests=[
                    load_balancer_logs(args.region, args.account),
                    cdn_logs(args.account),
                    server_logs(args.account),
                    *(trail_logs(args.region, args.account, args.trail) if args.trail else ()),
                ],
            ),
            opts=self.child(),
        )
        self.log_target = logs.policy.bucket
        rules = {"source": [tiers("videos/")] if args.source_tiers else []}
        if args.incoming:
            rules["source"].append(expiry(INCOMING, INCOMING_DAYS))
        cors = {
            "source": Cors(args.site_origins, ["GET", "HEAD", "PUT"]),
            "media": Cors(args.site_origins, ["GET", "HEAD"]),
        }
        guests = {"media": _readers(args.distribution_arn)}
        made = {
            what: Bucket(
                f"{name}-{what}",
                BucketArgs(
                    name=called[what],
                    kms_key=args.kms_key,
                    protect=args.protect,
                    rules=rules.get(what, ()),
                    guests=guests.get(what, ()),
                    cors=cors.get(what),
                    access_logs=self.log_target,
                ),
                opts=self.child(),
            )
            for what in WHICH
        }
        self._by_name = {what: made[what].bucket for what in WHICH}
        self.source, self.media = self._by_name["source"], self._by_name["media"]
        if args.replica is not None:
            Replica(
                f"{name}-replica",
                ReplicaArgs(
                    names=args.names,
                    account=args.account,
                    provider=args.replica,
                    originals={what: made[what] for what in REPLICATED},
                    kms_key=args.kms_key,
                    protect=args.protect,
                ),
                opts=self.child(),
            )
        self.register_outputs(self.called)

    @property
    def called(self) -> dict[str, pulumi.Output[str]]:
        """Their names, by what they hold."""
        return {what: bucket.bucket for what, bucket in self._by_name.items()}

    def read_grant(self, *which: Which) -> Grant:
        """Gets objects. Without `ListBucket`, S3 answers 403 for what is not there."""
        return self._grant(
            which,
            objects=["s3:GetObject"],
            buckets=["s3:ListBucket"],
            key=["kms:Decrypt"],
        )

    def write_grant(self, *which: Which) -> Grant:
        """Puts and deletes objects, also in parts. Completing a part needs its key to be read."""
        return self._grant(
            which,
            objects=[
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            key=["kms:Decrypt", "kms:GenerateDataKey"],
        )

    def sweep_grant(self, *which: Which) -> Grant:
        """Finds uploads that nobody completes, and aborts them."""
        return self._grant(
            which,
            objects=["s3:AbortMultipartUpload"],
            buckets=["s3:ListBucket", "s3:ListBucketMultipartUploads"],
        )

    def _grant(
        self,
        which: Sequence[Which],
        *,
        objects: Sequence[str],
        buckets: Sequence[str] = (),
        key: Sequence[str] = (),
    ) -> Grant:
        chosen = {what: self._by_name[what] for what in which or WHICH}
        arns = [each.arn for each in chosen.values()]
        statements = [Statement(objects, [pulumi.Output.format("{0}/*", arn) for arn in arns])]
        if buckets:
            statements.append(Statement(buckets, arns))
        if key:
            statements += key_use(self._kms_key, *key)
        named = {f"SPOOL_S3_{what.upper()}_BUCKET": chosen[what].bucket for what in chosen}
        return Grant(statements, {"SPOOL_STORE": "s3", **named})


def _readers(distribution_arn: pulumi.Input[str] | None) -> list[Guest]:
    if distribution_arn is None:
        return []
    return [
        Guest(
            "cloudfront.amazonaws.com",
            ["s3:GetObject"],
            {"StringEquals": {"aws:SourceArn": distribution_arn}},
            "/*",
        )
    ]
