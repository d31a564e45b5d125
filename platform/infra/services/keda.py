"""Pods by the length of queues: KEDA."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.grants import Statement
from infra.names import Names
from infra.services.release import release, resources
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

_ACCOUNT = "keda-operator"


@dataclass(frozen=True)
class KedaArgs:
    """What KEDA is told.

    Args:
        names: Names of the stack.
        region: Of the queues.
        namespace: Its own.
        credentials: How its pods get their role.
        queue_arns: What it may count.
    """

    names: Names
    region: str
    namespace: pulumi.Input[str]
    credentials: PodCredentials
    queue_arns: Sequence[pulumi.Input[str]]


class Keda(Component):
    """KEDA, which asks SQS as itself.

    Scaled workloads lend it no role: counting is all that it may, by IRSA or Pod Identity alike.
    """

    KIND = "services:Keda"

    def __init__(
        self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        role = WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=args.names,
                namespace="keda",
                service_account=_ACCOUNT,
                credentials=args.credentials,
                statements=[Statement(["sqs:GetQueueAttributes"], args.queue_arns)]
                if args.queue_arns
                else [],
            ),
            self.child(),
        )
        small = resources("50m", "128Mi")
        self.ready = release(
            "keda",
            namespace=args.namespace,
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
                "env": [{"name": "AWS_REGION", "value": args.region}],
                "resources": {
                    "operator": resources("100m", "512Mi"),
                    "metricServer": small,
                    "webhooks": small,
                },
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})
