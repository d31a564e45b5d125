"""The flows as NetworkPolicies: nothing by default, and one policy a process."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.application.flows import (
    NOT_PUBLIC,
    POD_IDENTITY_AGENT,
    Flow,
    Surroundings,
    flows_of,
)
from infra.application.pods import NAME_LABEL, metadata
from infra.application.processes import Process
from infra.component import Component
from infra.placement import OBSERVABILITY

_Peer = k8s.networking.v1.NetworkPolicyPeerArgs
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    """What may speak.

    Args:
        processes: Those that this stack runs.
    """

    namespace: pulumi.Input[str]
    processes: Sequence[Process]
    surroundings: Surroundings


class NetworkPolicies(Component):
    """Policies of the namespace. They have to be there before the pods are.

    Attributes:
        resources: What to wait for.
    """

    KIND = "application:NetworkPolicies"

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.resources: list[pulumi.Resource] = [
            k8s.networking.v1.NetworkPolicy(
                f"{name}-nothing",
                metadata=metadata("nothing-by-default", args.namespace),
                spec=k8s.networking.v1.NetworkPolicySpecArgs(
                    pod_selector=k8s.meta.v1.LabelSelectorArgs(),
                    policy_types=["Ingress", "Egress"],
                ),
                opts=self.child(),
            )
        ]
        places = _places(args.surroundings)
        for process in args.processes:
            flows = list(flows_of(process, args.surroundings))
            self.resources.append(
                k8s.networking.v1.NetworkPolicy(
                    f"{name}-{process.name}",
                    metadata=metadata(process.name, args.namespace),
                    spec=k8s.networking.v1.NetworkPolicySpecArgs(
                        pod_selector=k8s.meta.v1.LabelSelectorArgs(
                            match_labels={NAME_LABEL: process.name}
                        ),
                        policy_types=["Ingress", "Egress"],
                        ingress=[
                            k8s.networking.v1.NetworkPolicyIngressRuleArgs(
                                from_=places[flow.source], ports=[_port(flow)]
                            )
                            for flow in flows
                            if flow.destination == process.name
                        ],
                        egress=[
                            k8s.networking.v1.NetworkPolicyEgressRuleArgs(
                                to=places[flow.destination], ports=[_port(flow)]
                            )
                            for flow in flows
                            if flow.source == process.name
                        ],
                    ),
                    opts=self.child(),
                )
            )
        self.register_outputs({})


def _port(flow: Flow) -> k8s.networking.v1.NetworkPolicyPortArgs:
    return k8s.networking.v1.NetworkPolicyPortArgs(port=flow.port, protocol=flow.protocol)


def _places(surroundings: Surroundings) -> Mapping[str, list[_Peer]]:
    return {
        "balancer": _blocks(surroundings.balancer_cidrs),
        "database": _blocks(surroundings.database_cidrs),
        "endpoints": _blocks(surroundings.endpoint_cidrs),
        "agent": _blocks([POD_IDENTITY_AGENT]),
        "internet": [
            _Peer(
                ip_block=k8s.networking.v1.IPBlockArgs(cidr="0.0.0.0/0", except_=list(NOT_PUBLIC))
            )
        ],
        "dns": [_pods("kube-system", {"k8s-app": "kube-dns"})],
        "collector": [_pods(OBSERVABILITY)],
        "prometheus": [_pods(OBSERVABILITY)],
    }


def _blocks(cidrs: Iterable[str]) -> list[_Peer]:
    return [_Peer(ip_block=k8s.networking.v1.IPBlockArgs(cidr=each)) for each in cidrs]


def _pods(namespace: str, labels: Mapping[str, str] | None = None) -> _Peer:
    return _Peer(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={_NAMESPACE_NAME: namespace}),
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels) if labels else None,
    )
