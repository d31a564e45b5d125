"""Whether NetworkPolicies, as they are written, let a connection through: Kubernetes' own rules.

A pod that no policy selects for a direction accepts or begins anything in it; one that is selected
does what any of these policies allows. A connection needs both ends' consent. An `ipBlock` is taken
to match pods by their addresses too, as the VPC CNI's agent does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any


@dataclass(frozen=True)
class Pod:
    """An end within the cluster."""

    namespace: str
    labels: Mapping[str, str]
    address: str
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Host:
    """An end outside of it."""

    address: str


End = Pod | Host
Policy = Mapping[str, Any]


def allowed(
    policies: Iterable[Policy], source: End, destination: End, port: int, protocol: str = "TCP"
) -> bool:
    """Whether `source` may connect to a port of `destination`.

    Args:
        policies: NetworkPolicies (networking.k8s.io/v1) as plain values.
    """
    policies = list(policies)
    return all(
        not selecting or any(_lets(each, direction, other, port, protocol) for each in selecting)
        for direction, end, other in (
            ("egress", source, destination),
            ("ingress", destination, source),
        )
        for selecting in ([each for each in policies if _selects(each, direction, end)],)
    )


def _selects(policy: Policy, direction: str, end: End) -> bool:
    spec = policy["spec"]
    return (
        isinstance(end, Pod)
        and policy["metadata"]["namespace"] == end.namespace
        and direction.capitalize() in spec["policyTypes"]
        and _matches(spec.get("podSelector") or {}, end.labels)
    )


def _lets(policy: Policy, direction: str, other: End, port: int, protocol: str) -> bool:
    peers_of = "to" if direction == "egress" else "from"
    return any(
        _port_fits(rule.get("ports"), port, protocol)
        and (
            not rule.get(peers_of)
            or any(_is(peer, other, policy["metadata"]["namespace"]) for peer in rule[peers_of])
        )
        for rule in policy["spec"].get(direction) or ()
    )


def _port_fits(ports: Any, port: int, protocol: str) -> bool:
    return not ports or any(
        each.get("protocol", "TCP") == protocol
        and (
            "port" not in each
            or int(each["port"]) <= port <= int(each.get("endPort", each["port"]))
        )
        for each in ports
    )


def _is(peer: Mapping[str, Any], end: End, namespace: str) -> bool:
    block = peer.get("ipBlock")
    if block is not None:
        address = ip_address(end.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(each) for each in block.get("except") or ()
        )
    if not isinstance(end, Pod):
        return False
    spaces = peer.get("namespaceSelector")
    inside = (
        end.namespace == namespace if spaces is None else _matches(spaces, end.namespace_labels)
    )
    return inside and _matches(peer.get("podSelector") or {}, end.labels)


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if selector.get("matchExpressions"):
        raise NotImplementedError("matchExpressions: write the selector with matchLabels")
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(name) == value for name, value in wanted.items())
