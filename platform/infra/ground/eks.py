"""The control plane, by pulumi-eks: the one module that knows its cluster.

pulumi-eks makes a cluster out of parts that only its own plugin sees. Here it makes nothing but
the control plane; nodes, add-ons, access and the OpenID provider are resources of our own. What
the rest of the program takes are the plain outputs in `ControlPlane`, so whatever answers to
`eks:index:Cluster` with `kubeconfigJson`, `oidcIssuer` and `clusterSecurityGroupId` can stand in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@dataclass(frozen=True)
class ControlPlaneArgs:
    """What a control plane is made of.

    Args:
        cluster_name: Physical name.
        account, region: Where it is.
        version: Minor version of Kubernetes.
        role: The role of the control plane.
        vpc_id, subnet_ids: Where its network interfaces go.
        secrets_key_arn: KMS key of Kubernetes' secrets; AWS' own key without.
        public_endpoint_cidrs: Who reaches it from outside the VPC.
        protect: AWS refuses to delete it.
    """

    cluster_name: str
    account: pulumi.Input[str]
    region: str
    version: str
    role: aws.iam.Role
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    secrets_key_arn: pulumi.Input[str] | None
    public_endpoint_cidrs: Sequence[str]
    protect: bool


@dataclass(frozen=True)
class ControlPlane:
    """A control plane that is there.

    Args:
        name, arn: Its own, known before it is there.
        oidc_issuer: Of its service accounts' tokens, without `https://`.
        security_group_id: What EKS puts around control plane and nodes.
        kubeconfig: JSON; credentials by `aws eks get-token`, none in it.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]


def control_plane(name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions) -> ControlPlane:
    """Makes it. Whoever does is its first administrator, which the Kubernetes provider needs."""
    made = eks.Cluster(
        name,
        name=args.cluster_name,
        version=args.version,
        vpc_id=args.vpc_id,
        private_subnet_ids=list(args.subnet_ids),
        service_role=args.role,
        authentication_mode=eks.AuthenticationMode.API,
        endpoint_private_access=True,
        endpoint_public_access=bool(args.public_endpoint_cidrs),
        public_access_cidrs=list(args.public_endpoint_cidrs) or None,
        enabled_cluster_log_types=list(LOG_TYPES),
        encryption_config_key_arn=args.secrets_key_arn,
        deletion_protection=args.protect,
        # An upgrade at the end of standard support would come from AWS, and not from a preview.
        upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="EXTENDED"),
        # Everything below is ours to make (see the module's docstring).
        skip_default_node_group=True,
        skip_default_security_groups=True,
        create_instance_role=False,
        create_oidc_provider=False,
        bootstrap_self_managed_addons=False,
        use_default_vpc_cni=True,
        kube_proxy_addon_options=eks.KubeProxyAddonOptionsArgs(enabled=False),
        coredns_addon_options=eks.CoreDnsAddonOptionsArgs(enabled=False),
        opts=opts,
    )
    # The URN is known in a preview and carries the dependency, so the name is and does, too.
    known = made.urn
    return ControlPlane(
        name=known.apply(lambda _: args.cluster_name),
        arn=pulumi.Output.all(args.account, known).apply(
            lambda all_: f"arn:aws:eks:{args.region}:{all_[0]}:cluster/{args.cluster_name}"
        ),
        oidc_issuer=made.oidc_issuer,
        security_group_id=made.cluster_security_group_id,
        kubeconfig=made.kubeconfig_json,
    )
