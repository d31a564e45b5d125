"""One private bucket, with everything that AWS keeps in resources beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.state.lifecycle import Rule, housekeeping
from infra.state.log_guests import BUCKETS
from infra.state.resource_policy import BUCKET_REFUSALS, Guest, resource_policy


@dataclass(frozen=True)
class Cors:
    """Which pages may do what: sites such as `https://videos.example`, and methods."""

    origins: Sequence[pulumi.Input[str]]
    methods: Sequence[str]


@dataclass(frozen=True)
class BucketArgs:
    """What `Bucket` takes.

    Args:
        name: Of the bucket, unique in the world.
        kms_key: ARN of the key of new objects; S3's own keys where it is None.
        protect: Resists deletion; else it is destroyed with all that is in it.
        rules: Lifecycle beside what every bucket has.
        guests: Services of AWS that may do something here.
        cors: For pages of other sites.
        access_logs: Bucket that gets a line for every request, under `s3/` by account, region, name
            of this bucket and day.
    """

    name: pulumi.Input[str]
    kms_key: pulumi.Input[str] | None
    protect: bool
    rules: Sequence[Rule] = ()
    guests: Sequence[Guest] = ()
    cors: Cors | None = None
    access_logs: pulumi.Input[str] | None = None


class Bucket(Component):
    """A bucket.

    Attributes:
        bucket: It.
        versioning: Has to be there before something replicates to or from it.
        policy: Has to be there before a guest is told to come; its own `bucket` is the name, known
            then.
    """

    KIND = "state:Bucket"

    def __init__(
        self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.bucket = aws.s3.Bucket(
            name,
            bucket=args.name,
            force_destroy=not args.protect,
            opts=self.child(protect=args.protect),
        )
        id_ = self.bucket.id
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=id_,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        aws.s3.BucketOwnershipControls(
            name,
            bucket=id_,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self.child(),
        )
        self.versioning = aws.s3.BucketVersioning(
            name,
            bucket=id_,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(),
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name, bucket=id_, rules=[_encryption(args.kms_key)], opts=self.child()
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=id_,
            rules=[*housekeeping(), *args.rules],
            # Rules about versions are refused while there are none.
            opts=self.child(depends_on=[self.versioning]),
        )
        # S3 answers "conflicting operation" when both are set at once.
        self.policy = aws.s3.BucketPolicy(
            name,
            bucket=id_,
            policy=resource_policy(self.bucket.arn, BUCKET_REFUSALS, args.guests),
            opts=self.child(depends_on=[closed]),
        )
        if args.cors:
            aws.s3.BucketCorsConfiguration(
                name, bucket=id_, cors_rules=[_cors(args.cors)], opts=self.child()
            )
        if args.access_logs is not None:
            aws.s3.BucketLogging(
                name,
                bucket=id_,
                target_bucket=args.access_logs,
                target_prefix=f"{BUCKETS}/",
                target_object_key_format={
                    "partitioned_prefix": {"partition_date_source": "EventTime"}
                },
                opts=self.child(),
            )
        self.register_outputs({"name": self.bucket.bucket})


def _encryption(
    key: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    if key is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": key,
        },
        # One call of KMS for many objects; without, every segment costs one.
        "bucket_key_enabled": True,
    }


def _cors(cors: Cors) -> aws.s3.BucketCorsConfigurationCorsRuleArgsDict:
    return {
        "allowed_origins": list(cors.origins),
        "allowed_methods": list(cors.methods),
        "allowed_headers": ["content-type", "content-md5", "range"],
        # Without ETag a page cannot say which parts it has sent (docs/object-store.md).
        "expose_headers": ["ETag", "Content-Range", "Accept-Ranges"],
        "max_age_seconds": 3600,
    }
