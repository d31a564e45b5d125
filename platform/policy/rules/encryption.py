"""At rest, everything is encrypted, and keys rotate."""

from policy.rules.clusters import clusters
from policy.rules.rule import Found, Rule, Stack, listed


def _databases(stack: Stack) -> Found:
    for resource in stack.of("aws:rds/instance:Instance", "aws:rds/cluster:Cluster"):
        if resource.get("replicateSourceDb") is None and not resource.get("storageEncrypted"):
            yield resource, "is not encrypted; set storage_encrypted."


def _queues(stack: Stack) -> Found:
    for resource in stack.of("aws:sqs/queue:Queue"):
        if not (resource.get("kmsMasterKeyId") or resource.get("sqsManagedSseEnabled")):
            yield resource, "is not encrypted; give it a key, or sqs_managed_sse_enabled."


def _streams(stack: Stack) -> Found:
    for resource in stack.of("aws:kinesis/stream:Stream"):
        if resource.get("encryptionType") != "KMS":
            yield resource, "is not encrypted; set encryption_type to KMS."


def _volumes(stack: Stack) -> Found:
    for resource in stack.of("aws:ec2/launchTemplate:LaunchTemplate"):
        for mapping in listed(resource.get("blockDeviceMappings")):
            if str(mapping.get("ebs", {}).get("encrypted")).lower() != "true":
                yield resource, f"leaves {mapping.get('deviceName')} unencrypted."
    for resource in stack.of("aws:ebs/volume:Volume"):
        if not resource.get("encrypted"):
            yield resource, "is not encrypted; set encrypted."


def _keys(stack: Stack) -> Found:
    for resource in stack.of("aws:kms/key:Key"):
        symmetric = resource.get("customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
        if symmetric and not resource.get("enableKeyRotation"):
            yield resource, "does not rotate; set enable_key_rotation."
        days = resource.get("deletionWindowInDays")
        if stack.preset == "prod" and isinstance(days, int | float) and days < 30:
            yield resource, f"is gone {days:g} days after a mistake; prod waits for 30."


def _cluster(stack: Stack) -> Found:
    for each in clusters(stack):
        if stack.preset in ("staging", "prod") and not each.key:
            yield each.resource, "keeps Kubernetes secrets without a key of ours."


RULES = (
    Rule("encrypted-databases", "Databases are encrypted.", _databases),
    Rule("encrypted-queues", "Queues are encrypted.", _queues),
    Rule("encrypted-streams", "Streams are encrypted.", _streams),
    Rule("encrypted-volumes", "Disks are encrypted.", _volumes),
    Rule("keys-rotate", "Keys rotate, and in prod do not vanish at once.", _keys),
    Rule("encrypted-cluster-secrets", "Kubernetes secrets are under a key.", _cluster),
)
