"""The controller that makes application load balancers from ingresses."""

from dataclasses import dataclass

import pulumi

from infra.ground.cluster import Cluster
from infra.services.load_balancer_policy import load_balancer_statements
from infra.services.release import SYSTEM, Service, release, resources

_ACCOUNT = "aws-load-balancer-controller"


@dataclass(frozen=True)
class LoadBalancerControllerArgs:
    """What the controller is told.

    Args:
        cluster: Where it is.
        waf: It puts the stack's web ACL before the load balancer.
    """

    cluster: Cluster
    waf: bool


class LoadBalancerController(Service):
    """The controller.

    Attributes:
        ready: Ingresses are made after it and deleted before it, or their load balancers stay.
    """

    KIND = "services:LoadBalancerController"

    def __init__(
        self,
        name: str,
        args: LoadBalancerControllerArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        where = args.cluster.args
        statements = load_balancer_statements(
            account=where.account,
            region=where.region,
            cluster_name=where.names.cluster,
            web_acls=where.names.of("*") if args.waf else None,
        )
        role = self.role(name, args.cluster, SYSTEM, _ACCOUNT, statements)
        self.ready = release(
            "aws-load-balancer-controller",
            namespace=SYSTEM,
            values={
                "clusterName": where.names.cluster,
                # Told, because pods do not reach the metadata service.
                "region": where.region,
                "vpcId": where.vpc_id,
                "serviceAccount": {"name": _ACCOUNT, "annotations": role.annotations},
                "replicaCount": 2,
                "podDisruptionBudget": {"maxUnavailable": 1},
                "defaultTargetType": "ip",
                "enableShield": False,
                "enableWaf": False,
                # Or every Service of the cluster waits for its webhook, those of the other
                # charts and its own included.
                "enableServiceMutatorWebhook": False,
                "resources": resources("100m", "256Mi"),
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})
