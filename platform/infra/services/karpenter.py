"""Nodes by what pods wait for, without groups: Karpenter, and its pool of media nodes."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.ground.cluster import Cluster
from infra.ground.pools import MediaNodes
from infra.placement import MEDIA
from infra.services.interruptions import Interruptions
from infra.services.karpenter_policy import karpenter_statements
from infra.services.release import SYSTEM, Service, release, resources

_NAME = "karpenter"
_DISK = "100Gi"


@dataclass(frozen=True)
class KarpenterArgs:
    """What Karpenter is told.

    Args:
        cluster: Where it is, and whose nodes it makes.
        media: Which.
    """

    cluster: Cluster
    media: MediaNodes


class Karpenter(Service):
    """Karpenter and the pool, whose nodes are drained and gone before Karpenter is."""

    KIND = "services:Karpenter"

    def __init__(
        self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        cluster, where = args.cluster, args.cluster.args
        interruptions = Interruptions(f"{name}-interruptions", where.names, self.child())
        statements = karpenter_statements(
            account=where.account,
            region=where.region,
            cluster_name=where.names.cluster,
            cluster_arn=cluster.pod_credentials.cluster_arn,
            node_role_arn=cluster.node_role_arn,
            queue_arn=interruptions.queue.arn,
            volumes_key_arn=where.cluster_key_arn,
        )
        role = self.role(name, cluster, SYSTEM, _NAME, statements)
        controller = release(
            _NAME,
            namespace=SYSTEM,
            values={
                "serviceAccount": {"name": _NAME, "annotations": role.annotations},
                "settings": {
                    "clusterName": where.names.cluster,
                    "interruptionQueue": interruptions.queue.name,
                },
                "controller": {
                    "env": [{"name": "AWS_REGION", "value": where.region}],
                    "resources": resources("250m", "1Gi"),
                },
            },
            opts=self.child(depends_on=[*role.ready, *interruptions.ready]),
        )
        nodes = self._node_class(cluster, controller)
        self.ready = self._media_pool(args.media, nodes)
        self.register_outputs({})

    def _node_class(
        self, cluster: Cluster, after: pulumi.Resource
    ) -> k8s.apiextensions.CustomResource:
        key = cluster.args.cluster_key_arn
        return k8s.apiextensions.CustomResource(
            "media-nodes",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="media"),
            spec={
                "role": cluster.node_role_name,
                # The newest image, as managed groups take it: what it brings is security updates.
                "amiSelectorTerms": [{"alias": "al2023@latest"}],
                "subnetSelectorTerms": [{"id": each} for each in cluster.args.subnet_ids],
                "securityGroupSelectorTerms": [{"id": cluster.security_group_id}],
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
                            **({"kmsKeyID": key} if key is not None else {}),
                            "deleteOnTermination": True,
                        },
                    }
                ],
                "kubelet": {"maxPods": 110},
                "tags": dict(cluster.args.tags),
            },
            opts=self.child(depends_on=[after]),
        )

    def _media_pool(
        self, media: MediaNodes, nodes: k8s.apiextensions.CustomResource
    ) -> k8s.apiextensions.CustomResource:
        capacity = ["spot", "on-demand"] if media.spot else ["on-demand"]
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
                                "values": list(media.types),
                            },
                        ],
                        # A node is replaced after two weeks, with what its image has learned.
                        "expireAfter": "336h",
                        "terminationGracePeriod": "1h",
                    },
                },
                "limits": {"nodes": media.most},
                # An encode that is moved begins anew, so that nodes go only when they are empty.
                "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
            },
            opts=self.child(depends_on=[nodes]),
        )
