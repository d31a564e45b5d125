"""What runs in the cluster beside Spool, in the order in which it is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.ground.cluster import Cluster
from infra.ground.pools import NodeScaling
from infra.names import CLUSTER, Names
from infra.services.autoscaler import Autoscaler, AutoscalerArgs
from infra.services.external_secrets import STORE, ExternalSecrets, ExternalSecretsArgs
from infra.services.fluent_bit import FluentBit, FluentBitArgs
from infra.services.karpenter import Karpenter, KarpenterArgs
from infra.services.keda import Keda, KedaArgs
from infra.services.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
)
from infra.services.metrics_server import metrics_server
from infra.services.namespaces import Namespaces
from infra.services.otel_collector import ENDPOINT, NAMESPACE, OtelCollector, OtelCollectorArgs
from infra.services.prometheus import (
    GrafanaPassword,
    GrafanaPasswordArgs,
    Prometheus,
    PrometheusArgs,
)

_PROMETHEUS_GIB = 50


@dataclass(frozen=True)
class MediaNodes:
    """The media pool, where Karpenter makes it.

    Args:
        types: Instance types.
        most: Nodes at most.
        spot: Spot where there is some.
    """

    types: Sequence[str]
    most: int
    spot: bool


@dataclass(frozen=True)
class ClusterServicesArgs:
    """What the services are made of.

    Args:
        names: Names of the stack.
        account, region: Where it is.
        version: Minor version of Kubernetes.
        cluster: The cluster.
        vpc_id, subnet_ids: Where its nodes are.
        node_scaling: Who makes nodes.
        media_nodes: For Karpenter.
        fargate: No DaemonSets but on media nodes.
        queue_arns: Whose length pods follow.
        secret_arns: What External Secrets brings to `app_namespace`.
        secrets_key_arn, logs_key_arn: KMS keys; AWS' own without.
        log_retention_days: Of pods' lines.
        app_namespace: Where Spool is.
        waf: The load balancer has a web ACL.
        prometheus: Prometheus and Grafana are there.
        protect: Prometheus has a volume, secrets can be brought back.
        tags: Of Karpenter's instances.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    version: str
    cluster: Cluster
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    node_scaling: NodeScaling
    media_nodes: MediaNodes
    fargate: bool
    queue_arns: Sequence[pulumi.Input[str]]
    secret_arns: Sequence[pulumi.Input[str]]
    secrets_key_arn: pulumi.Input[str] | None
    logs_key_arn: pulumi.Input[str] | None
    log_retention_days: int
    app_namespace: str
    waf: bool
    prometheus: bool
    protect: bool
    tags: Mapping[str, str]


class ClusterServices(Component):
    """All of them.

    Attributes:
        ready: What Spool waits for, and outlives it when the stack goes.
        otlp_endpoint: Where spans go.
        secret_store: Name of the ClusterSecretStore.
        observability: Where Prometheus and Grafana are; its sidecar looks for dashboards there.
        pod_log_group: Name of the log group of all pods.
    """

    KIND = "services:ClusterServices"

    ready: list[pulumi.Resource]
    otlp_endpoint: str
    secret_store: str
    observability: str
    pod_log_group: pulumi.Output[str]

    def __init__(
        self, name: str, args: ClusterServicesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            name,
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(providers=[args.cluster.provider])
            ),
        )
        self.otlp_endpoint = ENDPOINT
        self.secret_store = STORE
        self.observability = NAMESPACE
        credentials = args.cluster.pod_credentials
        cluster_name = args.names.of("cluster", longest=CLUSTER)
        # Its webhook sees every Service that is made, so it is the first to be there.
        load_balancers = LoadBalancerController(
            f"{name}-load-balancers",
            LoadBalancerControllerArgs(
                names=args.names,
                account=args.account,
                region=args.region,
                vpc_id=args.vpc_id,
                cluster_name=cluster_name,
                credentials=credentials,
                waf=args.waf,
            ),
            self.child(),
        )
        after = self.child(depends_on=[load_balancers.ready])
        namespaces = Namespaces(f"{name}-namespaces", self.child())
        nodes = self._node_scaling(name, args, cluster_name, after)
        secrets = self._secrets(name, args, namespaces, after)
        keda = Keda(
            f"{name}-keda",
            KedaArgs(
                names=args.names,
                region=args.region,
                namespace=namespaces.keda,
                credentials=credentials,
                queue_arns=args.queue_arns,
            ),
            after,
        )
        collector = OtelCollector(
            f"{name}-collector",
            OtelCollectorArgs(
                names=args.names,
                region=args.region,
                namespace=namespaces.observability,
                credentials=credentials,
            ),
            after,
        )
        logs = FluentBit(
            f"{name}-logs",
            FluentBitArgs(
                names=args.names,
                region=args.region,
                namespace=namespaces.node_agents,
                credentials=credentials,
                log_retention_days=args.log_retention_days,
                logs_key_arn=args.logs_key_arn,
                fargate=args.fargate,
            ),
            after,
        )
        self.pod_log_group = logs.log_group_name
        self.ready = [
            load_balancers.ready,
            metrics_server(after),
            *nodes,
            *secrets,
            keda.ready,
            collector.ready,
            *logs.ready,
        ]
        self.register_outputs({"podLogGroup": self.pod_log_group})

    def _node_scaling(
        self,
        name: str,
        args: ClusterServicesArgs,
        cluster_name: str,
        opts: pulumi.ResourceOptions,
    ) -> list[pulumi.Resource]:
        if args.node_scaling == "karpenter":
            karpenter = Karpenter(
                f"{name}-karpenter",
                KarpenterArgs(
                    names=args.names,
                    account=args.account,
                    region=args.region,
                    cluster_name=cluster_name,
                    credentials=args.cluster.pod_credentials,
                    node_role_arn=args.cluster.node_role_arn,
                    node_role_name=args.cluster.node_role_name,
                    subnet_ids=args.subnet_ids,
                    security_group_id=args.cluster.security_group_id,
                    media_types=args.media_nodes.types,
                    media_most=args.media_nodes.most,
                    media_spot=args.media_nodes.spot,
                    tags=args.tags,
                ),
                opts,
            )
            return [karpenter.ready]
        if args.node_scaling == "cluster-autoscaler":
            autoscaler = Autoscaler(
                f"{name}-autoscaler",
                AutoscalerArgs(
                    names=args.names,
                    account=args.account,
                    region=args.region,
                    version=args.version,
                    cluster_name=cluster_name,
                    credentials=args.cluster.pod_credentials,
                ),
                opts,
            )
            return [autoscaler.ready]
        return []

    def _secrets(
        self,
        name: str,
        args: ClusterServicesArgs,
        namespaces: Namespaces,
        opts: pulumi.ResourceOptions,
    ) -> list[pulumi.Resource]:
        """External Secrets, and Prometheus, whose Grafana has a password by it."""
        password = (
            GrafanaPassword(
                f"{name}-grafana",
                GrafanaPasswordArgs(args.names, args.secrets_key_arn, args.protect),
                self.child(),
            ).secret
            if args.prometheus
            else None
        )
        secrets = ExternalSecrets(
            f"{name}-secrets",
            ExternalSecretsArgs(
                names=args.names,
                region=args.region,
                namespace=namespaces.external_secrets,
                credentials=args.cluster.pod_credentials,
                secret_arns=[*args.secret_arns, *([password.arn] if password else [])],
                key_arns=[args.secrets_key_arn] if args.secrets_key_arn is not None else [],
                readers=[args.app_namespace, *(["observability"] if password else [])],
            ),
            opts,
        )
        if password is None:
            return [secrets.store]
        prometheus = Prometheus(
            f"{name}-prometheus",
            PrometheusArgs(
                names=args.names,
                region=args.region,
                namespace=namespaces.observability,
                credentials=args.cluster.pod_credentials,
                password=password.value("password"),
                secret_store=secrets.store,
                storage_gib=_PROMETHEUS_GIB if args.protect and not args.fargate else None,
                fargate=args.fargate,
            ),
            opts,
        )
        return [secrets.store, prometheus.ready]
