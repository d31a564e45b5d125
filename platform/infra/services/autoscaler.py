"""Nodes by what pods wait for: the Cluster Autoscaler."""

import pulumi

from infra.grants import Statement
from infra.ground.cluster import Cluster, ClusterArgs
from infra.services.release import SYSTEM, Service, release, resources
from infra.versions import CLUSTER_AUTOSCALER

_NAME = "cluster-autoscaler"


class Autoscaler(Service):
    """The autoscaler of the managed groups, which EKS tags for it."""

    KIND = "services:Autoscaler"

    def __init__(
        self, name: str, cluster: Cluster, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        args = cluster.args
        role = self.role(name, cluster, SYSTEM, _NAME, _statements(args))
        self.ready = release(
            _NAME,
            namespace=SYSTEM,
            values={
                "fullnameOverride": _NAME,
                "image": {"tag": CLUSTER_AUTOSCALER[args.version]},
                "autoDiscovery": {"clusterName": args.names.cluster},
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


def _statements(args: ClusterArgs) -> list[Statement]:
    groups = pulumi.Output.concat(
        "arn:aws:autoscaling:", args.region, ":", args.account,
        ":autoScalingGroup:*:autoScalingGroupName/*",
    )  # fmt: skip
    managed = pulumi.Output.concat(
        "arn:aws:eks:", args.region, ":", args.account, f":nodegroup/{args.names.cluster}/*/*"
    )
    tag = f"aws:ResourceTag/k8s.io/cluster-autoscaler/{args.names.cluster}"
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
