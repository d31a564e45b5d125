"""Who may use the cluster's API, by IAM role: access entries instead of the aws-auth ConfigMap.

Whoever runs the program may do everything, because EKS gives that to the cluster's creator.
Administrators administer the services' namespaces, look at the rest without its secrets, and may
in Spool's own namespace what that gives to their group; readers, such as CI, look.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component

_POLICY = "arn:aws:eks::aws:cluster-access-policy"
# Groups for RBAC in Spool's namespace (infra.application.namespace).
ADMINS, READERS = "spool:admins", "spool:readers"


@dataclass(frozen=True)
class AccessArgs:
    """Who may do what.

    Args:
        cluster_name: Of the control plane.
        admin_role_arns, read_only_role_arns: IAM roles; not the one that runs the program.
        namespaces: Of the services.
    """

    cluster_name: pulumi.Input[str]
    admin_role_arns: Sequence[str]
    read_only_role_arns: Sequence[str]
    namespaces: Sequence[str]


class Access(Component):
    """An entry for each role, and what it is allowed."""

    KIND = "ground:Access"

    def __init__(
        self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        for arn in args.admin_role_arns:
            entry = self._entry(args, arn, ADMINS)
            self._allow(args, entry, "AmazonEKSAdminPolicy", args.namespaces)
            self._allow(args, entry, "AmazonEKSViewPolicy")
        for arn in args.read_only_role_arns:
            entry = self._entry(args, arn, READERS)
            self._allow(args, entry, "AmazonEKSViewPolicy")
        self.register_outputs({})

    def _entry(self, args: AccessArgs, arn: str, group: str) -> tuple[str, aws.eks.AccessEntry]:
        name = arn.rsplit("/", maxsplit=1)[-1]
        return name, aws.eks.AccessEntry(
            name,
            cluster_name=args.cluster_name,
            principal_arn=arn,
            kubernetes_groups=[group],
            opts=self.child(),
        )

    def _allow(
        self,
        args: AccessArgs,
        whom: tuple[str, aws.eks.AccessEntry],
        policy: str,
        namespaces: Sequence[str] = (),
    ) -> None:
        name, entry = whom
        aws.eks.AccessPolicyAssociation(
            f"{name}-{policy}",
            cluster_name=args.cluster_name,
            # The entry's, because EKS refuses a policy for a principal without one.
            principal_arn=entry.principal_arn,
            policy_arn=f"{_POLICY}/{policy}",
            access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(
                type="namespace" if namespaces else "cluster",
                namespaces=list(namespaces) or None,
            ),
            opts=self.child(),
        )
