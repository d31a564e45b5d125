"""What lets a stack be operated: tags, regions, protection, logs, dead letters."""

from infra.config.checks import KUBERNETES_VERSIONS
from policy.rules.clusters import clusters
from policy.rules.rule import UNKNOWN, Found, Rule, Stack, default_tags

_TAGS = ("project", "stack", "owner", "cost-center")
_STATE = (
    "aws:rds/instance:Instance",
    "aws:rds/cluster:Cluster",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
)
_DATABASES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
_LOGS = {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def _tags(stack: Stack) -> Found:
    for resource in stack.of("pulumi:providers:aws"):
        tags = default_tags(resource)
        missing = [tag for tag in _TAGS if not tags.get(tag)]
        if missing:
            yield resource, f"tags nothing with {', '.join(missing)}."


def _region(stack: Stack) -> Found:
    if not stack.eu_residency:
        return
    for resource in stack.of("pulumi:providers:aws"):
        region = str(resource.get("region"))
        # CloudFront's certificates and firewall are kept in one region, which holds no videos.
        if not region.startswith("eu-") and "edge" not in resource.name:
            yield resource, f"is in {region}; euResidency asks for a region in the EU."


def _protected(stack: Stack) -> Found:
    if stack.preset != "prod":
        return
    for resource in stack.of(*_STATE):
        replica = resource.get("replicateSourceDb") is not None
        if not resource.protected and not replica:
            yield resource, "may be deleted by a mistake in prod; protect it."
    for resource in stack.of(*_DATABASES):
        if resource.get("replicateSourceDb") is not None:
            continue
        if not resource.get("deletionProtection"):
            yield resource, "lacks deletion_protection in prod."
        if resource.get("skipFinalSnapshot"):
            yield resource, "leaves no last snapshot in prod."


def _backups(stack: Stack) -> Found:
    least = 7 if stack.preset in ("staging", "prod") else 1
    for resource in stack.of(*_DATABASES):
        if resource.get("replicateSourceDb") is not None:
            continue
        days = resource.get("backupRetentionPeriod") or 0
        if days is not UNKNOWN and days < least:
            yield resource, f"goes back {days:g} days; {stack.preset} keeps {least} at least."
    for resource in stack.of("aws:secretsmanager/secret:Secret"):
        days = resource.get("recoveryWindowInDays")
        if stack.preset == "prod" and days == 0:
            yield resource, "is gone at once when it is deleted; prod waits for 7 days or more."


def _versions(stack: Stack) -> Found:
    for each in clusters(stack):
        if each.version not in KUBERNETES_VERSIONS:
            yield (
                each.resource,
                f"is Kubernetes {each.version}; tested are {', '.join(KUBERNETES_VERSIONS)}.",
            )
    for resource in stack.of(*_DATABASES):
        if resource.get("allowMajorVersionUpgrade"):
            yield resource, "may jump a major version by itself; upgrade by the runbook."
        if stack.preset == "prod" and resource.get("applyImmediately"):
            yield resource, "changes outside the maintenance window in prod."


def _logs(stack: Stack) -> Found:
    for resource in stack.of("aws:cloudwatch/logGroup:LogGroup"):
        if not resource.get("retentionInDays"):
            yield resource, "keeps logs for ever; set retention_in_days."
    for each in clusters(stack):
        missing = _LOGS - set(each.logs)
        if missing:
            yield each.resource, f"does not log {', '.join(sorted(missing))}."


def _dead_letters(stack: Stack) -> Found:
    for resource in stack.of("aws:sqs/queue:Queue"):
        holds_dead = "dlq" in resource.name or "dead" in resource.name
        if holds_dead and resource.get("messageRetentionSeconds") != 14 * 86400:
            yield resource, "forgets dead letters before 14 days."


def _metadata(stack: Stack) -> Found:
    for resource in stack.of("aws:ec2/launchTemplate:LaunchTemplate"):
        if resource.get("metadataOptions", "httpTokens") != "required":
            yield resource, "answers to version 1 of the metadata service; require tokens."
        if resource.get("metadataOptions", "httpPutResponseHopLimit") != 1:
            yield resource, "lets pods reach the metadata service; set the hop limit to 1."


def _trails(stack: Stack) -> Found:
    for resource in stack.of("aws:cloudtrail/trail:Trail"):
        if not (resource.get("enableLogFileValidation") and resource.get("isMultiRegionTrail")):
            yield resource, "can be forged or misses regions."


RULES = (
    Rule("tagged", "Everything is tagged, by its provider.", _tags),
    Rule("eu-residency", "Where it is asked for, all is in the EU.", _region),
    Rule("protected-state", "State in prod resists deletion.", _protected),
    Rule("backups", "State can be had back.", _backups),
    Rule("versions", "Versions are tested ones, and do not jump.", _versions),
    Rule("logs-kept", "Logs are kept, and not for ever.", _logs),
    Rule("dead-letters-kept", "Dead letters are kept for 14 days.", _dead_letters),
    Rule("metadata-guarded", "Nodes guard their credentials.", _metadata),
    Rule("trails-whole", "Trails are whole.", _trails),
)
