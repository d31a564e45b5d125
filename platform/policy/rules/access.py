"""Who may do what: no wildcards, no open doors."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy.rules.clusters import clusters
from policy.rules.rule import Found, Resource, Rule, Stack, listed, statements_of

_POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
_RESOURCE_POLICIES = (
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:kms/key:Key",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
)
# Actions that IAM's own reference lists without a resource type, or that name what is not made yet.
_KNOW_NO_RESOURCE = (
    "acm:", "autoscaling:Describe", "cloudwatch:", "cognito-idp:DescribeUserPoolClient",
    "ec2:", "ecr:GetAuthorizationToken", "eks:Describe", "elasticloadbalancing:", "iam:List",
    "iam:CreateServiceLinkedRole", "iam:Get", "kinesis:List", "logs:Describe", "logs:Put",
    "pricing:", "rds:Describe", "secretsmanager:GetRandomPassword",
    "servicequotas:", "shield:", "ssm:GetParameter", "sts:GetCallerIdentity", "tag:",
    "waf-regional:", "wafv2:", "xray:",
)  # fmt: skip
# `*`, and ARNs that name nothing of their service: `arn:aws:s3:::*`.
_ALL = re.compile(r"^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*(/\*)?)$")
_PUBLIC_PORTS = {80, 443}
_OPEN = {"0.0.0.0/0", "::/0"}


def _documents(stack: Stack) -> Iterator[tuple[Resource, dict[str, object]]]:
    for resource in stack.of(*_POLICIES):
        for statement in statements_of(resource.get("policy")):
            if statement.get("Effect") == "Allow":
                yield resource, dict(statement)


def _wild_actions(stack: Stack) -> Found:
    for resource, statement in _documents(stack):
        if "NotAction" in statement:
            yield resource, "allows all but some actions; list those that are needed."
        for action in listed(statement.get("Action")):
            if "*" in str(action):
                yield resource, f"allows {action}; list the actions that are needed."


def _wild_resources(stack: Stack) -> Found:
    for resource, statement in _documents(stack):
        everything = any(_ALL.match(str(each)) for each in listed(statement.get("Resource")))
        if not everything or statement.get("Condition"):
            continue
        for action in listed(statement.get("Action")):
            if not str(action).startswith(_KNOW_NO_RESOURCE):
                yield resource, f"allows {action} on everything; name the resources."


def _anybody(stack: Stack) -> Found:
    for resource in stack.of(*_RESOURCE_POLICIES):
        for statement in statements_of(resource.get("policy")):
            principal = statement.get("Principal")
            everybody = principal == "*" or (
                isinstance(principal, dict) and "*" in listed(principal.get("AWS"))
            )
            if statement.get("Effect") == "Allow" and everybody and not statement.get("Condition"):
                yield resource, "lets anybody in; name a principal, or a condition."


def _anybody_assumes(stack: Stack) -> Found:
    for resource in stack.of("aws:iam/role:Role"):
        for statement in statements_of(resource.get("assumeRolePolicy")):
            principal = statement.get("Principal")
            named = principal.values() if isinstance(principal, dict) else [principal]
            if any("*" in listed(each) for each in named):
                yield resource, "may be assumed by anybody; name who."
            federated = isinstance(principal, dict) and principal.get("Federated")
            if federated and not statement.get("Condition"):
                yield resource, "trusts every subject of an identity provider; say which."


def _users(stack: Stack) -> Found:
    for resource in stack.of("aws:iam/user:User", "aws:iam/accessKey:AccessKey"):
        yield resource, "is a standing credential; use a role."


def _administrators(stack: Stack) -> Found:
    for resource in stack.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        # People with a second factor, and CI that people approved, run the program itself.
        if resource.name.endswith(("-admin", "-deploy")):
            continue
        if str(resource.get("policyArn")).endswith(("/AdministratorAccess", "/PowerUserAccess")):
            yield resource, "attaches a policy that allows nearly all; grant what is needed."


def _doors(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """What security groups let in, by whichever resource says it."""
    for resource in stack.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
        yield resource, resource.properties
    for resource in stack.of("aws:ec2/securityGroupRule:SecurityGroupRule"):
        if resource.get("type") == "ingress":
            yield resource, resource.properties
    for resource in stack.of("aws:ec2/securityGroup:SecurityGroup"):
        for rule in listed(resource.get("ingress")):
            yield resource, rule


def _open_groups(stack: Stack) -> Found:
    for resource, rule in _doors(stack):
        ranges = {
            each
            for key in ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
            for each in listed(rule.get(key))
        }
        first, last = rule.get("fromPort"), rule.get("toPort")
        if ranges & _OPEN and not (first == last and first in _PUBLIC_PORTS):
            yield resource, "lets the internet in; name a group or a range."


def _public_databases(stack: Stack) -> Found:
    for resource in stack.of(
        "aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance"
    ):
        if resource.get("publiclyAccessible"):
            yield resource, "is reachable from the internet; set publicly_accessible to False."


def _public_cluster(stack: Stack) -> Found:
    for each in clusters(stack):
        if each.public and (not each.callers or _OPEN & set(each.callers)):
            yield each.resource, "has an API for the whole internet; list who reaches it."


RULES = (
    Rule("no-wildcard-actions", "Policies list their actions.", _wild_actions),
    Rule("no-wildcard-resources", "Policies name their resources.", _wild_resources),
    Rule("no-anonymous-access", "Resources let nobody in without a name.", _anybody),
    Rule("no-open-trust", "Roles say who may take them.", _anybody_assumes),
    Rule("no-standing-credentials", "There are roles, no users.", _users),
    Rule("no-administrators", "No workload's role allows nearly everything.", _administrators),
    Rule("no-open-security-groups", "The internet reaches web ports at most.", _open_groups),
    Rule("no-public-databases", "Databases have no public address.", _public_databases),
    Rule("no-public-cluster-api", "The cluster's API is not for everybody.", _public_cluster),
)
