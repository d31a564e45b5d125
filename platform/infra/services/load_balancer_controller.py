"""The controller that makes application load balancers from ingresses."""

from dataclasses import dataclass

import pulumi

from infra.component import Component
from infra.names import Names
from infra.services.load_balancer_policy import load_balancer_statements
from infra.services.release import release, resources
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

_NAMESPACE = "kube-system"
_ACCOUNT = "aws-load-balancer-controller"


@dataclass(frozen=True)
class LoadBalancerControllerArgs:
    """What the controller is told.

    Args:
        names: Names of the stack.
        account, region, vpc_id: Told, because pods do not reach the metadata service.
        cluster_name: Physical name.
        credentials: How its pods get their role.
        waf: It puts the stack's web ACL before the load balancer.
    """

    names: Names
    account: pulumi.Input[str]
    region: str
    vpc_id: pulumi.Input[str]
    cluster_name: str
    credentials: PodCredentials
    waf: bool


class LoadBalancerController(Component):
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
        role = WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=args.names,
                namespace=_NAMESPACE,
                service_account=_ACCOUNT,
                credentials=args.credentials,
                statements=load_balancer_statements(
                    account=args.account,
                    region=args.region,
                    cluster_name=args.cluster_name,
                    web_acls=args.names.of("*") if args.waf else None,
                ),
            ),
            self.child(),
        )
        self.ready = release(
            "aws-load-balancer-controller",
            namespace=_NAMESPACE,
            values={
                "clusterName": args.cluster_name,
                "region": args.region,
                "vpcId": args.vpc_id,
                "serviceAccount": {"name": _ACCOUNT, "annotations": role.annotations},
                "replicaCount": 2,
                "podDisruptionBudget": {"maxUnavailable": 1},
                "defaultTargetType": "ip",
                "enableShield": False,
                "enableWaf": False,
                # Or every Service of the cluster waits for its webhook, its own included.
                "enableServiceMutatorWebhook": False,
                "resources": resources("100m", "256Mi"),
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})
