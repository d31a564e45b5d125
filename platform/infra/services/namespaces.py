"""Namespaces of the services, each under the strictest Pod Security that they run with."""

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component

Level = Literal["restricted", "privileged"]
# Agents on nodes read the node's files, which is what only `privileged` allows.
_LEVELS: Mapping[str, Level] = {
    "external-secrets": "restricted",
    "keda": "restricted",
    "observability": "restricted",
    "node-agents": "privileged",
}


class Namespaces(Component):
    """The namespaces.

    Attributes:
        external_secrets, keda, observability, node_agents: Their names, known once they are there.
    """

    KIND = "services:Namespaces"

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        made = {each: self._namespace(each, level) for each, level in _LEVELS.items()}
        self.external_secrets = made["external-secrets"]
        self.keda = made["keda"]
        self.observability = made["observability"]
        self.node_agents = made["node-agents"]
        self.register_outputs({})

    def _namespace(self, name: str, level: Level) -> pulumi.Output[str]:
        namespace = k8s.core.v1.Namespace(
            name,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=name,
                labels={
                    f"pod-security.kubernetes.io/{mode}": level
                    for mode in ("enforce", "audit", "warn")
                },
            ),
            opts=self.child(),
        )
        return namespace.id.apply(lambda _: name)
