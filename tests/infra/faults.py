"""Mistakes as somebody could make them, each on the resources that prod really has."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from policy.rules.rule import Resource, Stack, parsed

Change = Callable[[list[Resource]], list[Resource]]

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_BUCKET = "aws:s3/bucket:Bucket"
_POD = ("spec", "template", "spec")
_CONTAINER = (*_POD, "containers", 0)
_EVERYBODY: dict[str, Any] = {
    "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": ["*"]
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A mistake and the rule that must name it."""

    rule: str
    what: str
    change: Change

    def planted_in(self, stack: Stack) -> Stack:
        """The stack with the mistake.

        Raises:
            LookupError: The stack has nothing to make it with.
        """
        return replace(stack, resources=self.change(list(stack.resources)))


def _edited(type_: str, edit: Callable[[dict[str, Any]], None], name: str = "") -> Change:
    """Changes the first resource of a type, or the one that is called `name`."""

    def change(resources: list[Resource]) -> list[Resource]:
        for index, each in enumerate(resources):
            if each.type == type_ and name in ("", each.name):
                properties = copy.deepcopy(dict(each.properties))
                edit(properties)
                resources[index] = replace(each, properties=properties)
                return resources
        raise LookupError(f"no {type_} {name}")

    return change


def _put(type_: str, value: Any, *path: str | int, name: str = "") -> Change:
    """Sets a property that may be there, deep down."""

    def edit(properties: dict[str, Any]) -> None:
        place: Any = properties
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return _edited(type_, edit, name)


def _allow(type_: str, key: str, statement: dict[str, Any], name: str = "") -> Change:
    def edit(properties: dict[str, Any]) -> None:
        document = parsed(properties[key])
        document["Statement"].append(statement)
        properties[key] = json.dumps(document)

    return _edited(type_, edit, name)


def _added(type_: str, **properties: Any) -> Change:
    return lambda resources: [*resources, Resource(type_, "planted", properties)]


def _without(type_: str, name: str = "") -> Change:
    """The stack without a type, or without one resource of it."""

    def change(resources: list[Resource]) -> list[Resource]:
        left = [each for each in resources if each.type != type_ or name not in ("", each.name)]
        if len(left) == len(resources):
            raise LookupError(f"no {type_} {name}")
        return left

    return change


def _unprotected(type_: str) -> Change:
    return lambda resources: [
        replace(each, protected=False) if each.type == type_ else each for each in resources
    ]


def _pod(value: Any, *path: str | int) -> Change:
    return _put(_DEPLOYMENT, value, *path, name="catalog")


FAULTS: Sequence[Fault] = (
    Fault("no-wildcard-actions", "a role may do all with buckets",
          _allow("aws:iam/rolePolicy:RolePolicy", "policy",
                 {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::spool"]})),
    Fault("no-wildcard-actions", "a role may do all but one thing",
          _allow("aws:iam/rolePolicy:RolePolicy", "policy",
                 {"Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": ["*"]})),
    Fault("no-wildcard-resources", "a role reads every secret",
          _allow("aws:iam/rolePolicy:RolePolicy", "policy",
                 {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"],
                  "Resource": "*"})),
    Fault("no-wildcard-resources", "a role reads every bucket",
          _allow("aws:iam/rolePolicy:RolePolicy", "policy",
                 {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::*/*"})),
    Fault("no-anonymous-access", "a bucket's policy lets the world read",
          _allow("aws:s3/bucketPolicy:BucketPolicy", "policy", _EVERYBODY)),
    Fault("no-anonymous-access", "a queue's policy lets the world send",
          _allow("aws:sqs/queuePolicy:QueuePolicy", "policy",
                 {**_EVERYBODY, "Principal": {"AWS": "*"}, "Action": "sqs:SendMessage"})),
    Fault("no-anonymous-access", "a key's policy lets the world decrypt",
          # The copies' key has no policy of its own, and may be the first.
          _allow("aws:kms/key:Key", "policy", {**_EVERYBODY, "Action": "kms:Decrypt"},
                 "keys-media")),
    Fault("no-open-trust", "any account may take a role",
          _allow("aws:iam/role:Role", "assumeRolePolicy",
                 {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})),
    Fault("no-open-trust", "any service account may take a role",
          _allow("aws:iam/role:Role", "assumeRolePolicy",
                 {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/x"},
                  "Action": "sts:AssumeRoleWithWebIdentity"})),
    Fault("no-standing-credentials", "a user has an access key",
          _added("aws:iam/accessKey:AccessKey", user="ci")),
    Fault("no-administrators", "a workload is an administrator",
          _put("aws:iam/rolePolicyAttachment:RolePolicyAttachment",
               "arn:aws:iam::aws:policy/AdministratorAccess", "policyArn")),
    Fault("no-open-security-groups", "the world reaches the database",
          _put("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "0.0.0.0/0",
               "cidrIpv4", name="database-pods")),
    Fault("no-open-security-groups", "the world reaches a group's SSH",
          _put("aws:ec2/securityGroup:SecurityGroup",
               [{"fromPort": 22, "toPort": 22, "ipv6CidrBlocks": ["::/0"]}], "ingress")),
    Fault("no-open-security-groups", "the world reaches all ports from HTTP's on",
          _put("aws:ec2/securityGroup:SecurityGroup",
               [{"fromPort": 80, "toPort": 65535, "cidrBlocks": ["0.0.0.0/0"]}], "ingress")),
    Fault("no-public-databases", "the database has a public address",
          _put("aws:rds/instance:Instance", True, "publiclyAccessible")),
    Fault("no-public-cluster-api", "the cluster's API is open to all",
          _put("eks:index:Cluster", True, "endpointPublicAccess")),
    Fault("encrypted-databases", "the database is stored in the clear",
          _put("aws:rds/instance:Instance", False, "storageEncrypted")),
    Fault("encrypted-queues", "a queue is stored in the clear",
          _edited("aws:sqs/queue:Queue", lambda queue: queue.pop("kmsMasterKeyId"))),
    Fault("encrypted-streams", "a stream is stored in the clear",
          _added("aws:kinesis/stream:Stream", encryptionType="NONE")),
    Fault("encrypted-volumes", "a node's disk is stored in the clear",
          _put("aws:ec2/launchTemplate:LaunchTemplate", "false",
               "blockDeviceMappings", 0, "ebs", "encrypted")),
    Fault("keys-rotate", "a key never rotates",
          _put("aws:kms/key:Key", False, "enableKeyRotation")),
    Fault("keys-rotate", "a key is gone after a week",
          _put("aws:kms/key:Key", 7, "deletionWindowInDays")),
    Fault("encrypted-cluster-secrets", "secrets of Kubernetes have no key",
          _put("eks:index:Cluster", None, "encryptionConfigKeyArn")),
    Fault("no-latest-images", "a Deployment runs :latest",
          _pod("spool/api:latest", *_CONTAINER, "image")),
    Fault("no-latest-images", "prod runs a tag instead of a digest",
          _pod("spool/api:1.4.0", *_CONTAINER, "image")),
    Fault("immutable-registry", "tags of images may be moved",
          _added("aws:ecr/repository:Repository", imageTagMutability="MUTABLE",
                 imageScanningConfiguration={"scanOnPush": True})),
    Fault("tagged", "the provider forgets who pays",
          _put("pulumi:providers:aws", json.dumps({"tags": {"project": "spool"}}),
               "defaultTags")),
    Fault("protected-state", "buckets may be deleted by mistake", _unprotected(_BUCKET)),
    Fault("protected-state", "the database leaves no last snapshot",
          _put("aws:rds/instance:Instance", True, "skipFinalSnapshot")),
    Fault("backups", "the database goes back a day",
          _put("aws:rds/instance:Instance", 1, "backupRetentionPeriod")),
    Fault("backups", "nobody says how far the database goes back",
          _put("aws:rds/instance:Instance", None, "backupRetentionPeriod")),
    Fault("backups", "a deleted secret is gone at once",
          _put("aws:secretsmanager/secret:Secret", 0, "recoveryWindowInDays")),
    Fault("versions", "the cluster jumps to an untested version",
          _put("eks:index:Cluster", "1.99", "version")),
    Fault("versions", "the database may jump a major version",
          _put("aws:rds/instance:Instance", True, "allowMajorVersionUpgrade")),
    Fault("logs-kept", "a log group grows for ever",
          _edited("aws:cloudwatch/logGroup:LogGroup", lambda group: group.pop("retentionInDays"))),
    Fault("logs-kept", "the cluster keeps no audit log",
          _put("eks:index:Cluster", ["api"], "enabledClusterLogTypes")),
    Fault("dead-letters-kept", "dead letters are lost after a day",
          _put("aws:sqs/queue:Queue", 86400, "messageRetentionSeconds",
               name="messaging-encode-high-dlq")),
    Fault("metadata-guarded", "nodes answer without tokens",
          _put("aws:ec2/launchTemplate:LaunchTemplate", "optional",
               "metadataOptions", "httpTokens")),
    Fault("metadata-guarded", "pods reach their node's credentials",
          _put("aws:ec2/launchTemplate:LaunchTemplate", 2,
               "metadataOptions", "httpPutResponseHopLimit")),
    Fault("trails-whole", "the trail covers one region",
          _put("aws:cloudtrail/trail:Trail", False, "isMultiRegionTrail")),
    Fault("no-public-buckets", "a bucket allows public policies",
          _put("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", False,
               "blockPublicPolicy")),
    Fault("no-public-buckets", "the media bucket has no public access block",
          _without("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "buckets-media")),
    Fault("encrypted-buckets", "a bucket is not told how to encrypt",
          _without("aws:s3/bucketServerSideEncryptionConfiguration:"
                   "BucketServerSideEncryptionConfiguration", "buckets-source")),
    Fault("buckets-by-tls", "a bucket takes plain HTTP",
          _without("aws:s3/bucketPolicy:BucketPolicy", "buckets-frames")),
    Fault("versioned-buckets", "a bucket stops keeping versions",
          _put("aws:s3/bucketVersioning:BucketVersioning", "Suspended",
               "versioningConfiguration", "status")),
    Fault("media-stays-playable", "media goes to Glacier",
          _put("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
               [{"transitions": [{"storageClass": "GLACIER"}]}], "rules", name="buckets-media")),
    Fault("cdn-by-tls", "the CDN serves plain HTTP",
          _put("aws:cloudfront/distribution:Distribution", "allow-all",
               "defaultCacheBehavior", "viewerProtocolPolicy")),
    Fault("cdn-by-tls", "the CDN takes TLS 1.0",
          _put("aws:cloudfront/distribution:Distribution", "TLSv1",
               "viewerCertificate", "minimumProtocolVersion")),
    Fault("cdn-signed", "the CDN serves whoever asks",
          _put("aws:cloudfront/distribution:Distribution", [],
               "defaultCacheBehavior", "trustedKeyGroups")),
    Fault("ingress-by-tls", "the load balancer takes TLS 1.0",
          _put("kubernetes:networking.k8s.io/v1:Ingress", "ELBSecurityPolicy-2016-08",
               "metadata", "annotations", "alb.ingress.kubernetes.io/ssl-policy")),
    Fault("ingress-by-tls", "prod is served by HTTP",
          _put("kubernetes:networking.k8s.io/v1:Ingress", '[{"HTTP":80}]',
               "metadata", "annotations", "alb.ingress.kubernetes.io/listen-ports")),
    Fault("database-by-tls", "the database takes plain connections",
          _put("aws:rds/parameterGroup:ParameterGroup", [], "parameters")),
    Fault("proxy-by-tls", "the proxy takes plain connections",
          _put("aws:rds/proxy:Proxy", False, "requireTls")),
    Fault("bounded-pods", "a container has no memory limit",
          _pod({"requests": {"cpu": "1"}}, *_CONTAINER, "resources")),
    Fault("restricted-pods", "a container may be root",
          _pod(False, *_CONTAINER, "securityContext", "runAsNonRoot")),
    Fault("restricted-pods", "a container is privileged",
          _pod(True, *_CONTAINER, "securityContext", "privileged")),
    Fault("pods-apart", "a pod is in its node's network", _pod(True, *_POD, "hostNetwork")),
    Fault("pods-apart", "a pod mounts its node's disk",
          _pod([{"name": "node", "hostPath": {"path": "/"}}], *_POD, "volumes")),
    Fault("probed-pods", "a Deployment has no readiness probe",
          _pod(None, *_CONTAINER, "readinessProbe")),
    Fault("budgeted-deployments", "a Deployment has no disruption budget",
          _without("kubernetes:policy/v1:PodDisruptionBudget", "catalog")),
    Fault("policed-deployments", "a Deployment has no network policy",
          _without("kubernetes:networking.k8s.io/v1:NetworkPolicy", "application-catalog")),
    Fault("policed-deployments", "a namespace allows what no policy forbids",
          _without("kubernetes:networking.k8s.io/v1:NetworkPolicy", "application-nothing")),
)  # fmt: skip
