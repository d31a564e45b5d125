"""An IAM role for the pods of one service account.

Pods prove who they are in one of two ways, which `PodCredentials` tells apart and nobody else:
IRSA, where the cluster's OpenID provider signs a token for the service account, or EKS Pod
Identity, where an agent on the node does. A role trusts one service account of one cluster, so
that no other pod can take it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement, policy_document
from infra.names import Names


@dataclass(frozen=True)
class PodCredentials:
    """How pods of a cluster get a role.

    Args:
        kind: `irsa` or `pod-identity`.
        cluster_name, cluster_arn: Of the cluster.
        oidc_provider_arn: IAM's provider of the cluster's tokens; for IRSA.
        oidc_issuer: Its issuer without `https://`; for IRSA.
    """

    kind: Literal["irsa", "pod-identity"]
    cluster_name: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]


@dataclass(frozen=True)
class WorkloadRoleArgs:
    """What a service account's role is made of.

    Args:
        names: Names of the stack.
        namespace, service_account: Whose pods may take it. Service accounts have names of their
            own over all namespaces: the role is called by it.
        credentials: The cluster's.
        statements: What it may do; nothing where empty.
        managed_policies: ARNs of AWS' own policies beside them.
    """

    names: Names
    namespace: str
    service_account: str
    credentials: PodCredentials
    statements: Sequence[Statement] = ()
    managed_policies: Sequence[str] = ()


class WorkloadRole(Component):
    """The role, its policy, and with Pod Identity the association.

    Attributes:
        arn: Of the role.
        annotations: What the service account says, so that IRSA finds the role; empty with Pod
            Identity.
        ready: What must exist before a pod starts, or it starts without credentials.
    """

    KIND = "workload:Role"

    arn: pulumi.Output[str]
    annotations: Mapping[str, pulumi.Input[str]]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: WorkloadRoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        role = aws.iam.Role(
            name,
            name=args.names.of(args.service_account),
            description=f"Pods of {args.namespace}/{args.service_account}",
            assume_role_policy=_trust(args),
            opts=self.child(),
        )
        self.arn = role.arn
        self.annotations = {}
        self.ready = [role]
        if args.statements:
            self.ready.append(
                aws.iam.RolePolicy(
                    name,
                    role=role.name,
                    name="grants",
                    policy=policy_document(args.statements),
                    opts=self.child(),
                )
            )
        for arn in args.managed_policies:
            policy = arn.rsplit("/", maxsplit=1)[-1]
            self.ready.append(
                aws.iam.RolePolicyAttachment(
                    f"{name}-{policy}", role=role.name, policy_arn=arn, opts=self.child()
                )
            )
        if args.credentials.kind == "irsa":
            self.annotations = {"eks.amazonaws.com/role-arn": role.arn}
        else:
            self.ready.append(
                aws.eks.PodIdentityAssociation(
                    name,
                    cluster_name=args.credentials.cluster_name,
                    namespace=args.namespace,
                    service_account=args.service_account,
                    role_arn=role.arn,
                    opts=self.child(),
                )
            )
        self.register_outputs({"arn": self.arn})

    @property
    def irsa_arn(self) -> pulumi.Output[str] | None:
        """The role's ARN where whoever makes the service account must name it: with IRSA."""
        return self.arn if self.annotations else None


def _trust(args: WorkloadRoleArgs) -> pulumi.Output[str]:
    who = (args.namespace, args.service_account)
    credentials = args.credentials
    if credentials.kind == "irsa":
        return pulumi.Output.all(credentials.oidc_provider_arn, credentials.oidc_issuer).apply(
            lambda known: _irsa_trust(*who, *known)
        )
    return pulumi.Output.from_input(credentials.cluster_arn).apply(
        lambda arn: _pod_identity_trust(*who, arn)
    )


def _irsa_trust(namespace: str, service_account: str, provider: str, issuer: str) -> str:
    subject = f"system:serviceaccount:{namespace}:{service_account}"
    return _document(
        {
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{issuer}:sub": subject, f"{issuer}:aud": "sts.amazonaws.com"}
            },
        }
    )


def _pod_identity_trust(namespace: str, service_account: str, cluster: str) -> str:
    # The agent tags the session with whose it is; without asking for the tags, an association in
    # another cluster of the account could hand the role out.
    return _document(
        {
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringEquals": {
                    "aws:RequestTag/eks-cluster-arn": cluster,
                    "aws:RequestTag/kubernetes-namespace": namespace,
                    "aws:RequestTag/kubernetes-service-account": service_account,
                }
            },
        }
    )


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}, indent=2
    )
