"""The namespace: what pods in it must be like, how many there may be, and which people may look."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.application.pods import metadata
from infra.application.processes import NAMESPACE
from infra.component import Component
from infra.ground.access import ADMINS, READERS

_SEEN = ("get", "list", "watch")
# API group, resources. No secrets, and nothing that runs a command in a pod.
_READABLE: Sequence[tuple[str, Sequence[str]]] = (
    (
        "",
        ("configmaps", "endpoints", "events", "pods", "pods/log", "resourcequotas",
         "serviceaccounts", "services"),
    ),
    ("apps", ("deployments", "replicasets")),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("jobs",)),
    ("external-secrets.io", ("externalsecrets",)),
    ("keda.sh", ("scaledobjects",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
    ("policy", ("poddisruptionbudgets",)),
)  # fmt: skip
# EKS' own policy for administrators knows no kinds but Kubernetes' own.
_CHANGEABLE: Sequence[tuple[str, Sequence[str]]] = (
    ("external-secrets.io", ("externalsecrets",)),
    ("keda.sh", ("scaledobjects",)),
)


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """How large it may grow.

    Args:
        pods_most: Pods at once, those that are ending included.
        after: What has to be there before anything in it: the cluster's services, whose webhooks
            and CRDs the rest needs, and which have to outlive it.
    """

    pods_most: int
    after: Sequence[pulumi.Resource]


class Namespace(Component):
    """The namespace, its quota, and its roles for people.

    Attributes:
        name: Of the namespace; whoever takes it from here is made after it.
    """

    KIND = "application:Namespace"

    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        levels = {
            f"pod-security.kubernetes.io/{mode}": "restricted"
            for mode in ("enforce", "audit", "warn")
        }
        namespace = k8s.core.v1.Namespace(
            name,
            metadata=metadata(
                NAMESPACE,
                labels={
                    **levels,
                    # A pod is ready when the load balancer has found it, and not before.
                    "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
                },
            ),
            # The load balancer goes with the Ingress, which takes its time.
            opts=self.child(
                depends_on=args.after, custom_timeouts=pulumi.CustomTimeouts(delete="20m")
            ),
        )
        self.name = namespace.metadata.apply(lambda made: made.name or NAMESPACE)
        k8s.core.v1.ResourceQuota(
            name,
            metadata=metadata("quota", self.name),
            spec=k8s.core.v1.ResourceQuotaSpecArgs(
                hard={
                    "pods": str(args.pods_most),
                    # The one load balancer is the Ingress's, and disks are of the nodes.
                    "services.loadbalancers": "0",
                    "services.nodeports": "0",
                    "persistentvolumeclaims": "0",
                }
            ),
            opts=self.child(),
        )
        # Of pods that say nothing, such as one that somebody starts by hand.
        k8s.core.v1.LimitRange(
            name,
            metadata=metadata("limits", self.name),
            spec=k8s.core.v1.LimitRangeSpecArgs(
                limits=[
                    k8s.core.v1.LimitRangeItemArgs(
                        type="Container",
                        default_request={"cpu": "100m", "memory": "128Mi"},
                        default={"cpu": "500m", "memory": "512Mi"},
                    )
                ]
            ),
            opts=self.child(),
        )
        readable = [_rule(group, resources, _SEEN) for group, resources in _READABLE]
        self._role(name, "reader", READERS, readable)
        changeable = [
            _rule(group, resources, (*_SEEN, "patch", "update")) for group, resources in _CHANGEABLE
        ]
        self._role(name, "admin", ADMINS, changeable)
        self.register_outputs({"name": self.name})

    def _role(
        self, name: str, role: str, group: str, rules: Sequence[k8s.rbac.v1.PolicyRuleArgs]
    ) -> None:
        made = k8s.rbac.v1.Role(
            f"{name}-{role}",
            metadata=metadata(role, self.name),
            rules=rules,
            opts=self.child(),
        )
        k8s.rbac.v1.RoleBinding(
            f"{name}-{role}",
            metadata=metadata(role, self.name),
            role_ref=k8s.rbac.v1.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=role
            ),
            subjects=[
                k8s.rbac.v1.SubjectArgs(
                    api_group="rbac.authorization.k8s.io", kind="Group", name=group
                )
            ],
            opts=self.child(depends_on=[made]),
        )


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> k8s.rbac.v1.PolicyRuleArgs:
    return k8s.rbac.v1.PolicyRuleArgs(
        api_groups=[group], resources=list(resources), verbs=list(verbs)
    )
