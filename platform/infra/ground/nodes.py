"""Groups of nodes that EKS manages, each from a launch template."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.ground.pools import Pool
from infra.ground.service_role import service_role
from infra.names import Names
from infra.placement import GENERAL
from infra.trust import service_trust

_POLICIES = (
    "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
)
# With prefixes instead of single addresses an interface has room for more pods than a node of
# this size may run: 110, which EKS would not work out by itself for a launch template.
_NODE_CONFIG = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    config:
      maxPods: 110

--//--
"""


@dataclass(frozen=True)
class NodesArgs:
    """What groups of nodes are made of.

    Args:
        names: Names of the stack.
        cluster_name, version: Of the control plane; nodes are of its minor version.
        subnet_ids: Private ones.
        pools: The groups.
        volumes_key_arn: KMS key of their volumes; AWS' own without.
        tags: Of instances and volumes, which launch templates make and the provider's default
            tags do not reach.
    """

    names: Names
    cluster_name: pulumi.Input[str]
    version: str
    subnet_ids: Sequence[pulumi.Input[str]]
    pools: Sequence[Pool]
    volumes_key_arn: pulumi.Input[str] | None
    tags: Mapping[str, str]


class Nodes(Component):
    """The groups and the role of their nodes.

    Nodes have no rights but to join and to pull images: pods have roles of their own, and one
    hop of the metadata service ends at the node, so that no pod takes the node's.

    Attributes:
        role_arn, role_name: Of nodes; Karpenter's nodes have it, too.
    """

    KIND = "ground:Nodes"

    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        role, policies = service_role(
            f"{name}-node",
            service_trust("ec2"),
            physical_name=args.names.of("nodes"),
            policies=_POLICIES,
            opts=self.child(),
        )
        self.role_arn = role.arn
        self.role_name = role.name
        before: list[pulumi.Resource] = []
        for pool in args.pools:
            general = pool.placement is GENERAL
            group = self._group(
                f"{name}-{pool.name}", args, pool, role, [*policies, *(before if general else [])]
            )
            # One general group after the other: while it is replaced or upgraded, its pods have
            # the other to go to.
            before += [group] if general else []
        self.register_outputs({"roleArn": self.role_arn})

    def _group(
        self,
        name: str,
        args: NodesArgs,
        pool: Pool,
        role: aws.iam.Role,
        after: list[pulumi.Resource],
    ) -> aws.eks.NodeGroup:
        template = aws.ec2.LaunchTemplate(
            name,
            name=args.names.of(pool.name),
            update_default_version=True,
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=pool.disk_gib,
                        encrypted="true",
                        kms_key_id=args.volumes_key_arn,
                        delete_on_termination="true",
                    ),
                )
            ],
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(
                    resource_type=kind, tags={**args.tags, "Name": args.names.of(pool.name)}
                )
                for kind in ("instance", "volume", "network-interface")
            ],
            user_data=base64.b64encode(_NODE_CONFIG.encode()).decode(),
            opts=self.child(),
        )
        return aws.eks.NodeGroup(
            name,
            cluster_name=args.cluster_name,
            node_group_name=args.names.of(pool.name),
            node_role_arn=role.arn,
            subnet_ids=list(args.subnet_ids),
            version=args.version,
            ami_type="AL2023_x86_64_STANDARD",
            capacity_type="SPOT" if pool.spot else "ON_DEMAND",
            instance_types=list(pool.instance_types),
            labels=dict(pool.placement.labels),
            taints=[
                aws.eks.NodeGroupTaintArgs(
                    key=each["key"], value=each["value"], effect="NO_SCHEDULE"
                )
                for each in pool.placement.tolerations
            ],
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=pool.least, desired_size=pool.desired, max_size=pool.most
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            opts=self.child(
                depends_on=after,
                # How many there are is the autoscaler's business after the first `up`.
                ignore_changes=["scalingConfig.desiredSize"],
                # Other instance types make another group, which has the same name.
                delete_before_replace=True,
            ),
        )
