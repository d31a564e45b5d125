"""The cluster: control plane, who may use it, how pods get roles, nodes, add-ons.

In the order in which it comes up: control plane ▸ OpenID provider ▸ network add-ons ▸ nodes ▸
other add-ons ▸ the provider of everything in it. It goes down in the reverse order, so that
controllers still run while what they made is deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.grants import Statement, policy_document
from infra.ground.access import Access, AccessArgs
from infra.ground.addons import AddOns, AddOnsArgs, after_nodes, before_nodes
from infra.ground.eks import ControlPlane, ControlPlaneArgs, control_plane
from infra.ground.fargate import Fargate, FargateArgs
from infra.ground.nodes import Nodes, NodesArgs
from infra.ground.pools import Pool
from infra.ground.service_role import service_role
from infra.names import Names
from infra.placement import SERVICES
from infra.trust import service_trust
from infra.workload_role import PodCredentials


@dataclass(frozen=True)
class ClusterArgs:
    """What a cluster is made of.

    Args:
        names: Names of the stack.
        account, region: Where it is.
        version: Minor version of Kubernetes.
        vpc_id, subnet_ids: Where it is; private subnets.
        pools: Groups of nodes (`infra.ground.pools.plan_pools`).
        fargate: Everything but media work on Fargate.
        pod_credentials: How pods get their roles.
        cluster_key_arn: KMS key of secrets and of nodes' volumes; AWS' own without.
        logs_key_arn: KMS key of logs of the control plane and of pods; CloudWatch's own without.
        log_retention_days: Of those logs.
        public_endpoint_cidrs: Who reaches its API from outside the VPC; nobody where empty.
        admin_role_arns, read_only_role_arns: Who uses it.
        app_namespace: Where Spool is.
        container_insights: CloudWatch's measurements of nodes and pods.
        protect: AWS refuses to delete it, and Prometheus keeps what it has measured.
        tags: Of instances.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    version: str
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    pools: Sequence[Pool]
    fargate: bool
    pod_credentials: Literal["irsa", "pod-identity"]
    cluster_key_arn: pulumi.Input[str] | None
    logs_key_arn: pulumi.Input[str] | None
    log_retention_days: int
    public_endpoint_cidrs: Sequence[str]
    admin_role_arns: Sequence[str]
    read_only_role_arns: Sequence[str]
    app_namespace: str
    container_insights: bool
    protect: bool
    tags: Mapping[str, str]


class Cluster(Component):
    """The cluster and the way into it.

    Attributes:
        args: What it is made of, for what runs in it.
        name: Of the control plane.
        security_group_id: Of control plane, nodes and pods.
        node_role_arn, node_role_name: Of nodes.
        pod_credentials: For `WorkloadRole`.
        provider: For what is in the cluster; there only when nodes and add-ons are.
    """

    KIND = "ground:Cluster"

    args: ClusterArgs
    name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    node_role_name: pulumi.Output[str]
    pod_credentials: PodCredentials
    provider: k8s.Provider

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.args = args
        plane = self._control_plane(name, args)
        self.name = plane.name
        self.security_group_id = plane.security_group_id
        oidc = aws.iam.OpenIdConnectProvider(
            name,
            url=pulumi.Output.concat("https://", plane.oidc_issuer),
            client_id_lists=["sts.amazonaws.com"],
            opts=self.child(),
        )
        self.pod_credentials = PodCredentials(
            kind=args.pod_credentials,
            cluster_name=plane.name,
            cluster_arn=plane.arn,
            oidc_provider_arn=oidc.arn,
            oidc_issuer=plane.oidc_issuer,
        )
        access = Access(
            f"{name}-access",
            AccessArgs(
                cluster_name=plane.name,
                admin_role_arns=args.admin_role_arns,
                read_only_role_arns=args.read_only_role_arns,
                namespaces=SERVICES,
            ),
            self.child(),
        )
        compute = self._compute(name, args, plane)
        self.provider = k8s.Provider(
            name,
            kubeconfig=plane.kubeconfig,
            opts=self.child(depends_on=[*compute, access]),
        )
        self.register_outputs({"name": plane.name, "arn": plane.arn, "oidcProviderArn": oidc.arn})

    def _control_plane(self, name: str, args: ClusterArgs) -> ControlPlane:
        cluster_name = args.names.cluster
        logs = self._log_group(f"{name}-control-plane", f"/aws/eks/{cluster_name}/cluster", args)
        role, ready = service_role(
            f"{name}-control-plane",
            service_trust("eks"),
            physical_name=args.names.of("cluster"),
            policies=["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"],
            opts=self.child(),
        )
        if args.cluster_key_arn is not None:
            use_of_the_key = Statement(
                ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"],
                [args.cluster_key_arn],
            )
            ready.append(
                aws.iam.RolePolicy(
                    f"{name}-secrets",
                    role=role.name,
                    name="secrets",
                    policy=policy_document([use_of_the_key]),
                    opts=self.child(),
                )
            )
        return control_plane(
            name,
            ControlPlaneArgs(
                cluster_name=cluster_name,
                account=args.account,
                region=args.region,
                version=args.version,
                role=role,
                vpc_id=args.vpc_id,
                subnet_ids=args.subnet_ids,
                secrets_key_arn=args.cluster_key_arn,
                public_endpoint_cidrs=args.public_endpoint_cidrs,
                protect=args.protect,
            ),
            self.child(depends_on=[logs, *ready], protect=args.protect),
        )

    def _log_group(self, name: str, called: str, args: ClusterArgs) -> aws.cloudwatch.LogGroup:
        # AWS would make it by itself: without our key, and to stay when the stack goes.
        return aws.cloudwatch.LogGroup(
            name,
            name=called,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.logs_key_arn,
            opts=self.child(),
        )

    def _compute(self, name: str, args: ClusterArgs, plane: ControlPlane) -> list[pulumi.Resource]:
        network = AddOns(
            f"{name}-network",
            AddOnsArgs(
                names=args.names,
                version=args.version,
                credentials=self.pod_credentials,
                add_ons=before_nodes(pod_identity_agent=not args.fargate),
            ),
            self.child(),
        )
        nodes = Nodes(
            f"{name}-nodes",
            NodesArgs(
                names=args.names,
                cluster_name=plane.name,
                version=args.version,
                subnet_ids=args.subnet_ids,
                pools=args.pools,
                volumes_key_arn=args.cluster_key_arn,
                tags=args.tags,
            ),
            self.child(depends_on=[network]),
        )
        self.node_role_arn = nodes.role_arn
        self.node_role_name = nodes.role_name
        compute: list[pulumi.Resource] = [nodes]
        if args.fargate:
            compute.append(
                Fargate(
                    f"{name}-fargate",
                    FargateArgs(
                        names=args.names,
                        account=args.account,
                        region=args.region,
                        cluster_name=plane.name,
                        subnet_ids=args.subnet_ids,
                        system_namespaces=("kube-system", *SERVICES),
                        app_namespace=args.app_namespace,
                    ),
                    self.child(depends_on=[network]),
                )
            )
        measured: list[pulumi.Resource] = []
        if args.container_insights:
            called = f"/aws/containerinsights/{args.names.cluster}/performance"
            measured.append(self._log_group(f"{name}-insights", called, args))
        rest = AddOns(
            f"{name}-add-ons",
            AddOnsArgs(
                names=args.names,
                version=args.version,
                credentials=self.pod_credentials,
                add_ons=after_nodes(
                    fargate=args.fargate, container_insights=args.container_insights
                ),
            ),
            self.child(depends_on=[*compute, *measured]),
        )
        return [network, rest, *compute]
