"""Namespaces of the services, each under the strictest Pod Security that they run with."""

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.placement import NODE_AGENTS, SERVICES


class Namespaces(Component):
    """The namespaces, there before anything that is to run in them."""

    KIND = "services:Namespaces"

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        for each, level in {
            **dict.fromkeys(SERVICES, "restricted"),
            NODE_AGENTS: "privileged",
        }.items():
            k8s.core.v1.Namespace(
                each,
                metadata=k8s.meta.v1.ObjectMetaArgs(
                    name=each,
                    labels={
                        f"pod-security.kubernetes.io/{mode}": level
                        for mode in ("enforce", "audit", "warn")
                    },
                ),
                opts=self.child(),
            )
        self.register_outputs({})
