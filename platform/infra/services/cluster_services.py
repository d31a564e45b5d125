"""What runs in the cluster beside Spool."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.ground.cluster import Cluster
from infra.ground.pools import MediaNodes, NodeScaling
from infra.placement import OBSERVABILITY
from infra.services.autoscaler import Autoscaler
from infra.services.external_secrets import STORE, ExternalSecrets, ExternalSecretsArgs
from infra.services.fluent_bit import FluentBit
from infra.services.karpenter import Karpenter, KarpenterArgs
from infra.services.keda import Keda, KedaArgs
from infra.services.load_balancer_controller import (
    LoadBalancerController,
    LoadBalancerControllerArgs,
)
from infra.services.metrics_server import metrics_server
from infra.services.namespaces import Namespaces
from infra.services.otel_collector import ENDPOINT, OtelCollector
from infra.services.prometheus import (
    GrafanaPassword,
    GrafanaPasswordArgs,
    Prometheus,
    PrometheusArgs,
)


@dataclass(frozen=True)
class ClusterServicesArgs:
    """What the services are made of.

    Args:
        cluster: The cluster.
        node_scaling: Who makes nodes.
        media_nodes: For Karpenter.
        queue_arns: Whose length pods follow.
        secret_arns: What External Secrets brings to Spool's namespace.
        secrets_key_arn: KMS key of those; AWS' own without.
        waf: The load balancer has a web ACL.
        prometheus: Prometheus and Grafana are there.
    """

    cluster: Cluster
    node_scaling: NodeScaling
    media_nodes: MediaNodes
    queue_arns: Sequence[pulumi.Input[str]]
    secret_arns: Sequence[pulumi.Input[str]]
    secrets_key_arn: pulumi.Input[str] | None
    waf: bool
    prometheus: bool


class ClusterServices(Component):
    """All of them.

    Attributes:
        ready: What Spool waits for, and outlives it when the stack goes.
        otlp_endpoint: Where spans go.
        secret_store: Name of the ClusterSecretStore.
        pod_log_group: Name of the log group of all pods.
    """

    KIND = "services:ClusterServices"

    otlp_endpoint = ENDPOINT
    secret_store = STORE
    ready: list[pulumi.Resource]
    pod_log_group: pulumi.Output[str]

    def __init__(
        self, name: str, args: ClusterServicesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        cluster = args.cluster
        super().__init__(
            name,
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(providers=[cluster.provider])
            ),
        )
        after = self.child(depends_on=[Namespaces(f"{name}-namespaces", self.child())])
        load_balancers = LoadBalancerController(
            f"{name}-load-balancers", LoadBalancerControllerArgs(cluster, args.waf), self.child()
        )
        collector = OtelCollector(f"{name}-collector", cluster, after)
        keda = Keda(f"{name}-keda", KedaArgs(cluster, args.queue_arns), after)
        logs = FluentBit(f"{name}-logs", cluster, after)
        self.pod_log_group = logs.log_group_name
        self.ready = [
            load_balancers.ready,
            metrics_server(after),
            *self._node_scaling(name, args, after),
            *self._secrets(name, args, after),
            keda.ready,
            collector.ready,
            logs.ready,
            *logs.routers,
        ]
        self.register_outputs({"podLogGroup": self.pod_log_group})

    def _node_scaling(
        self, name: str, args: ClusterServicesArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        if args.node_scaling == "karpenter":
            makes = KarpenterArgs(args.cluster, args.media_nodes)
            return [Karpenter(f"{name}-karpenter", makes, opts).ready]
        if args.node_scaling == "cluster-autoscaler":
            return [Autoscaler(f"{name}-autoscaler", args.cluster, opts).ready]
        return []

    def _secrets(
        self, name: str, args: ClusterServicesArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        """External Secrets, and Prometheus, whose Grafana has a password by it."""
        secrets, readers = [*args.secret_arns], [args.cluster.args.app_namespace]
        password = None
        if args.prometheus:
            kept = GrafanaPasswordArgs(
                args.cluster.args.names, args.secrets_key_arn, args.cluster.args.protect
            )
            password = GrafanaPassword(f"{name}-grafana", kept, self.child()).secret
            secrets.append(password.arn)
            readers.append(OBSERVABILITY)
        store = ExternalSecrets(
            f"{name}-secrets",
            ExternalSecretsArgs(args.cluster, secrets, args.secrets_key_arn, readers),
            opts,
        ).ready
        if password is None:
            return [store]
        shown = PrometheusArgs(args.cluster, password.value("password"), store)
        return [store, Prometheus(f"{name}-prometheus", shown, opts).ready]
