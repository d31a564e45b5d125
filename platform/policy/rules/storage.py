"""Buckets: private, encrypted, versioned, by TLS only."""

from policy.rules.rule import UNKNOWN, Found, Resource, Rule, Stack, listed, statements_of

_BUCKET = "aws:s3/bucket:Bucket"
_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _of(stack: Stack, type_: str, bucket: Resource) -> list[Resource]:
    """What is set for a bucket. That of a bucket that is not made yet may be any bucket's."""
    names = (bucket.get("bucket"), UNKNOWN)
    return [each for each in stack.of(type_) if each.get("bucket") in names]


def _public(stack: Stack) -> Found:
    for bucket in stack.of(_BUCKET):
        blocks = _of(stack, _BLOCK, bucket)
        if not blocks:
            yield bucket, "has no public access block."
        if str(bucket.get("acl") or "private").startswith("public"):
            yield bucket, "has a public ACL."
    for block in stack.of(_BLOCK):
        off = [flag for flag in _FLAGS if not block.get(flag)]
        if off:
            yield block, f"leaves {', '.join(off)} off."
    for acl in stack.of("aws:s3/bucketAcl:BucketAcl"):
        if str(acl.get("acl")).startswith("public"):
            yield acl, "is public."


def _encrypted(stack: Stack) -> Found:
    type_ = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    for bucket in stack.of(_BUCKET):
        if not _of(stack, type_, bucket):
            yield bucket, "says nothing of its encryption."


def _tls(stack: Stack) -> Found:
    for bucket in stack.of(_BUCKET):
        policies = _of(stack, "aws:s3/bucketPolicy:BucketPolicy", bucket)
        statements = [s for each in policies for s in statements_of(each.get("policy"))]
        unknown = any(each.get("policy") is UNKNOWN for each in policies)
        refuses = any(
            each.get("Effect") == "Deny" and "aws:SecureTransport" in str(each.get("Condition"))
            for each in statements
        )
        if not (refuses or unknown):
            yield bucket, "takes plain HTTP; deny where aws:SecureTransport is false."


def _versioned(stack: Stack) -> Found:
    type_ = "aws:s3/bucketVersioning:BucketVersioning"
    for versioning in stack.of(type_):
        if versioning.get("versioningConfiguration", "status") != "Enabled":
            yield versioning, "does not keep versions."
    for bucket in stack.of(_BUCKET):
        if bucket.protected and not _of(stack, type_, bucket):
            yield bucket, "is kept for good and keeps no versions."


def _tiers(stack: Stack) -> Found:
    """Segments that were moved to Glacier cannot be played."""
    for rules in stack.of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"):
        if "media" not in rules.name:
            continue
        for rule in listed(rules.get("rules")):
            for move in listed(rule.get("transitions")):
                if move.get("storageClass") in ("GLACIER", "DEEP_ARCHIVE"):
                    yield rules, "moves media to where it cannot be played from."


RULES = (
    Rule("no-public-buckets", "Buckets are private.", _public),
    Rule("encrypted-buckets", "Buckets are encrypted.", _encrypted),
    Rule("buckets-by-tls", "Buckets refuse plain HTTP.", _tls),
    Rule("versioned-buckets", "Buckets that are kept keep versions.", _versioned),
    Rule("media-stays-playable", "Media does not go to archives.", _tiers),
)
