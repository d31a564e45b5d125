"""What becomes of objects with time. Only sources move: a segment in Glacier is no segment."""

import pulumi_aws as aws

Rule = aws.s3.BucketLifecycleConfigurationRuleArgsDict

# Days after which a source is kept more cheaply (and read more slowly).
SOURCE_TIERS = {"STANDARD_IA": 30, "GLACIER": 90, "DEEP_ARCHIVE": 365}
# What was overwritten or deleted can be brought back for so long; then it is gone for good.
NONCURRENT_DAYS = 30
# Workers sweep what nobody will complete; this is for when no worker runs (docs/object-store.md).
ABANDONED_PARTS_DAYS = 2
# Where objects land that become sources (docs/bucket-events.md): a source is a copy, so that what
# landed may go.
INCOMING = "incoming/"
INCOMING_DAYS = 7


def housekeeping() -> list[Rule]:
    """For every bucket: parts that nobody completes, and old versions."""
    return [
        {
            "id": "abandoned-parts",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": ABANDONED_PARTS_DAYS},
        },
        {
            "id": "old-versions",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "noncurrent_version_expiration": {"noncurrent_days": NONCURRENT_DAYS},
            # A mark that hides no version any more.
            "expiration": {"expired_object_delete_marker": True},
        },
    ]


def tiers(prefix: str) -> Rule:
    """Objects under a prefix move to cheaper classes."""
    return {
        "id": "tiers",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "transitions": [
            {"days": days, "storage_class": name} for name, days in SOURCE_TIERS.items()
        ],
    }


def expiry(prefix: str, days: int) -> Rule:
    """Objects under a prefix are deleted after so many days."""
    return {
        "id": f"{prefix.strip('/') or 'all'}-expires",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
    }
