"""Nodes by what pods wait for: the Cluster Autoscaler."""

from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.grants import Statement
from infra.names import Names
from infra.services.release import release, resources
from infra.versions import CLUSTER_AUTOSCALER
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

_NAMESPACE = "kube-system"
_NAME = "cluster-autoscaler"


@dataclass(frozen=True)
class AutoscalerArgs:
    """What the autoscaler is told.

    Args:
        names: Names of the stack.
        account, region: Where it is.
        version: Minor version of Kubernetes.
        cluster_name: Physical name; its groups are found by it.
        credentials: How its pods get their role.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    version: str
    cluster_name: str
    credentials: PodCredentials


class Autoscaler(Component):
    """The autoscaler of the managed groups, which EKS tags for it."""

    KIND = "services:Autoscaler"

    def __init__(
        self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        role = WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=args.names,
                namespace=_NAMESPACE,
                service_account=_NAME,
                credentials=args.credentials,
                statements=_statements(args),
            ),
            self.child(),
        )
        self.ready = release(
            _NAME,
            namespace=_NAMESPACE,
            values={
                "fullnameOverride": _NAME,
                "image": {"tag": CLUSTER_AUTOSCALER[args.version]},
                "autoDiscovery": {"clusterName": args.cluster_name},
                "awsRegion": args.region,
                "rbac": {"serviceAccount": {"name": _NAME, "annotations": role.annotations}},
                "extraArgs": {
                    "expander": "least-waste",
                    "balance-similar-node-groups": True,
                    "skip-nodes-with-local-storage": False,
                    # An encode is worth more than a node: what runs is waited for.
                    "max-graceful-termination-sec": 600,
                },
                "resources": resources("100m", "512Mi"),
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})


def _statements(args: AutoscalerArgs) -> list[Statement]:
    groups = pulumi.Output.concat(
        "arn:aws:autoscaling:", args.region, ":", args.account,
        ":autoScalingGroup:*:autoScalingGroupName/*",
    )  # fmt: skip
    managed = pulumi.Output.concat(
        "arn:aws:eks:", args.region, ":", args.account, f":nodegroup/{args.cluster_name}/*/*"
    )
    tag = f"aws:ResourceTag/k8s.io/cluster-autoscaler/{args.cluster_name}"
    return [
        Statement(
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            ["*"],
            why_all="describing knows no resource",
        ),
        # Labels and taints of a group that has no node yet.
        Statement(["eks:DescribeNodegroup"], [managed]),
        Statement(
            [
                "autoscaling:SetDesiredCapacity",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            [groups],
            {"StringEquals": {tag: ["owned"]}},
        ),
    ]
