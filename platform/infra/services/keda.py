"""Pods by the length of queues: KEDA."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.grants import Statement
from infra.ground.cluster import Cluster
from infra.placement import KEDA
from infra.services.release import Service, release, resources

_ACCOUNT = "keda-operator"


@dataclass(frozen=True)
class KedaArgs:
    """What KEDA is told.

    Args:
        cluster: Where it is, and the queues beside it.
        queue_arns: What it may count.
    """

    cluster: Cluster
    queue_arns: Sequence[pulumi.Input[str]]


class Keda(Service):
    """KEDA, which asks SQS as itself.

    Scaled workloads lend it no role: counting is all that it may, by IRSA or Pod Identity alike.
    """

    KIND = "services:Keda"

    def __init__(
        self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        count = Statement(["sqs:GetQueueAttributes"], args.queue_arns)
        role = self.role(name, args.cluster, KEDA, _ACCOUNT, [count])
        small = resources("50m", "128Mi")
        self.ready = release(
            "keda",
            namespace=KEDA,
            values={
                "operator": {"replicaCount": 2},
                "webhooks": {"replicaCount": 1},
                # Kubernetes takes one server of external metrics at a time; the other stands by.
                "metricsServer": {"replicaCount": 2},
                "podDisruptionBudget": {
                    "operator": {"maxUnavailable": 1},
                    "metricServer": {"maxUnavailable": 1},
                },
                "serviceAccount": {"operator": {"name": _ACCOUNT, "annotations": role.annotations}},
                "env": [{"name": "AWS_REGION", "value": args.cluster.args.region}],
                "resources": {
                    "operator": resources("100m", "512Mi"),
                    "metricServer": small,
                    "webhooks": small,
                },
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})
