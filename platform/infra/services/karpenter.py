"""Nodes by what pods wait for, without groups: Karpenter, and its pool of media nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.names import Names
from infra.placement import MEDIA
from infra.services.interruptions import Interruptions, InterruptionsArgs
from infra.services.karpenter_policy import karpenter_statements
from infra.services.release import release, resources
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

_NAMESPACE = "kube-system"
_NAME = "karpenter"
_DISK = "100Gi"


@dataclass(frozen=True)
class KarpenterArgs:
    """What Karpenter is told.

    Args:
        names: Names of the stack.
        account, region: Where it is.
        cluster_name: Physical name.
        credentials: How its pods get their role.
        node_role_arn, node_role_name: Of the nodes that it makes.
        subnet_ids, security_group_id: Where they are, and what is around them.
        media_types: Instance types of the media pool.
        media_most: Nodes of the largest type at most.
        media_spot: Spot where there is some.
        tags: Of instances.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    cluster_name: str
    credentials: PodCredentials
    node_role_arn: pulumi.Input[str]
    node_role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    media_types: Sequence[str]
    media_most: int
    media_spot: bool
    tags: Mapping[str, str]


class Karpenter(Component):
    """Karpenter and the pool, whose nodes are drained and gone before Karpenter is."""

    KIND = "services:Karpenter"

    def __init__(
        self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        interruptions = Interruptions(
            f"{name}-interruptions", InterruptionsArgs(names=args.names), self.child()
        )
        role = WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=args.names,
                namespace=_NAMESPACE,
                service_account=_NAME,
                credentials=args.credentials,
                statements=karpenter_statements(
                    account=args.account,
                    region=args.region,
                    cluster_name=args.cluster_name,
                    cluster_arn=args.credentials.cluster_arn,
                    node_role_arn=args.node_role_arn,
                    queue_arn=interruptions.queue.arn,
                ),
            ),
            self.child(),
        )
        controller = release(
            _NAME,
            namespace=_NAMESPACE,
            values={
                "serviceAccount": {"name": _NAME, "annotations": role.annotations},
                "settings": {
                    "clusterName": args.cluster_name,
                    "interruptionQueue": interruptions.queue.name,
                },
                "controller": {
                    "env": [{"name": "AWS_REGION", "value": args.region}],
                    "resources": resources("250m", "1Gi"),
                },
            },
            opts=self.child(depends_on=[*role.ready, *interruptions.ready]),
        )
        nodes = self._node_class(args, controller)
        self.ready = self._media_pool(args, nodes)
        self.register_outputs({})

    def _node_class(
        self, args: KarpenterArgs, after: pulumi.Resource
    ) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            "media-nodes",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="media"),
            spec={
                "role": args.node_role_name,
                # The newest image, as managed groups take it: what it brings is security updates.
                "amiSelectorTerms": [{"alias": "al2023@latest"}],
                "subnetSelectorTerms": [{"id": each} for each in args.subnet_ids],
                "securityGroupSelectorTerms": [{"id": args.security_group_id}],
                "metadataOptions": {
                    "httpEndpoint": "enabled",
                    "httpTokens": "required",
                    "httpPutResponseHopLimit": 1,
                },
                "blockDeviceMappings": [
                    {
                        "deviceName": "/dev/xvda",
                        "ebs": {
                            "volumeSize": _DISK,
                            "volumeType": "gp3",
                            "encrypted": True,
                            "deleteOnTermination": True,
                        },
                    }
                ],
                "kubelet": {"maxPods": 110},
                "tags": dict(args.tags),
            },
            opts=self.child(depends_on=[after]),
        )

    def _media_pool(
        self, args: KarpenterArgs, nodes: k8s.apiextensions.CustomResource
    ) -> k8s.apiextensions.CustomResource:
        capacity = ["spot", "on-demand"] if args.media_spot else ["on-demand"]
        return k8s.apiextensions.CustomResource(
            "media-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="media"),
            spec={
                "template": {
                    "metadata": {"labels": dict(MEDIA.labels)},
                    "spec": {
                        "nodeClassRef": {
                            "group": "karpenter.k8s.aws",
                            "kind": "EC2NodeClass",
                            "name": "media",
                        },
                        "taints": [
                            {"key": each["key"], "value": each["value"], "effect": each["effect"]}
                            for each in MEDIA.tolerations
                        ],
                        "requirements": [
                            {
                                "key": "karpenter.sh/capacity-type",
                                "operator": "In",
                                "values": capacity,
                            },
                            {
                                "key": "node.kubernetes.io/instance-type",
                                "operator": "In",
                                "values": list(args.media_types),
                            },
                        ],
                        # A node is replaced after two weeks, with what its image has learned.
                        "expireAfter": "336h",
                        "terminationGracePeriod": "1h",
                    },
                },
                "limits": {"nodes": args.media_most},
                # An encode that is moved begins anew, so that nodes go only when they are empty.
                "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
            },
            opts=self.child(depends_on=[nodes]),
        )
