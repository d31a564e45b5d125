"""EKS add-ons: what a cluster needs before its first node, and what needs a node.

A node without the network plug-in never becomes ready, and CoreDNS without a node never does, so
there are two sets and nodes between them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import Names
from infra.versions import ADD_ONS
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

_INSIGHTS = {
    "logs": {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}},
}


@dataclass(frozen=True)
class AddOn:
    """One add-on.

    Args:
        name: As EKS calls it.
        configuration: Its values.
        namespace, service_account: Whose pods take the role, where it has one.
        managed_policies: ARNs of AWS' policies for the role.
    """

    name: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    namespace: str = "kube-system"
    service_account: str | None = None
    managed_policies: Sequence[str] = ()


def before_nodes(*, pod_identity_agent: bool) -> list[AddOn]:
    """Network, and where nodes run it the agent that hands out roles.

    Network policies are enforced in the plug-in's `standard` mode: a pod speaks freely for the
    moment until its node has seen its policies. `strict` would cut off whatever has no policy,
    system pods included.
    """
    network = AddOn(
        "vpc-cni",
        configuration={
            "enableNetworkPolicy": "true",
            "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
        },
        service_account="aws-node",
        managed_policies=["arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"],
    )
    agent = [AddOn("eks-pod-identity-agent")] if pod_identity_agent else []
    return [network, AddOn("kube-proxy"), *agent]


def after_nodes(*, fargate: bool, container_insights: bool) -> list[AddOn]:
    """Names in the cluster, volumes, and CloudWatch's Container Insights.

    On Fargate nothing may have an EBS volume, so there is no driver.
    """
    add_ons = [
        AddOn(
            "coredns",
            configuration={
                **({"computeType": "Fargate"} if fargate else {}),
                "replicaCount": 2,
                "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
            },
        )
    ]
    if not fargate:
        add_ons.append(
            AddOn(
                "aws-ebs-csi-driver",
                service_account="ebs-csi-controller-sa",
                managed_policies=[
                    "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
                ],
            )
        )
    if container_insights:
        add_ons.append(
            AddOn(
                "amazon-cloudwatch-observability",
                # Lines of pods are Fluent Bit's business, which is ours (infra.services), and
                # traces the collector's.
                configuration={"containerLogs": {"enabled": False}, "agent": {"config": _INSIGHTS}},
                namespace="amazon-cloudwatch",
                service_account="cloudwatch-agent",
                managed_policies=["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"],
            )
        )
    return add_ons


@dataclass(frozen=True)
class AddOnsArgs:
    """What a set of add-ons is made of.

    Args:
        names: Names of the stack.
        version: Minor version of Kubernetes.
        credentials: How their pods get roles.
        add_ons: The set.
    """

    names: Names
    version: str
    credentials: PodCredentials
    add_ons: Sequence[AddOn]


class AddOns(Component):
    """A set of add-ons, at the versions of `infra.versions`."""

    KIND = "ground:AddOns"

    def __init__(
        self, name: str, args: AddOnsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        for each in args.add_ons:
            self._make(f"{name}-{each.name}", args, each)
        self.register_outputs({})

    def _make(self, name: str, args: AddOnsArgs, add_on: AddOn) -> None:
        role = None
        if add_on.service_account:
            role = WorkloadRole(
                name,
                WorkloadRoleArgs(
                    names=args.names,
                    namespace=add_on.namespace,
                    service_account=add_on.service_account,
                    credentials=args.credentials,
                    managed_policies=add_on.managed_policies,
                ),
                self.child(),
            )
        aws.eks.Addon(
            name,
            cluster_name=args.credentials.cluster_name,
            addon_name=add_on.name,
            addon_version=ADD_ONS[args.version][add_on.name],
            configuration_values=json.dumps(add_on.configuration) if add_on.configuration else None,
            service_account_role_arn=role.irsa_arn if role else None,
            # What is said here holds, whatever somebody changed by hand.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=self.child(depends_on=role.ready if role else []),
        )
