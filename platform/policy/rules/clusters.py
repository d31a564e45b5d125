"""The cluster as the rules look at it, whoever makes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policy.rules.rule import Resource, Stack, listed


@dataclass(frozen=True)
class Cluster:
    """What rules ask of a cluster.

    Args:
        public: Its API has a public address.
        callers: Ranges that reach this address; none means all.
        key: Of the secrets of Kubernetes; None for AWS' own.
    """

    resource: Resource
    version: Any
    public: bool
    callers: list[Any]
    key: Any
    logs: list[Any]


def clusters(stack: Stack) -> Iterator[Cluster]:
    """The cluster that pulumi-eks makes, or, under mocks, what it is asked for."""
    for each in stack.of("aws:eks/cluster:Cluster"):
        yield Cluster(
            each,
            each.get("version"),
            each.get("vpcConfig", "endpointPublicAccess") is not False,
            listed(each.get("vpcConfig", "publicAccessCidrs")),
            each.get("encryptionConfig", "provider", "keyArn"),
            listed(each.get("enabledClusterLogTypes")),
        )
    for each in stack.of("eks:index:Cluster"):
        # The engine sees this component without its inputs.
        if each.get("version") is not None:
            yield Cluster(
                each,
                each.get("version"),
                each.get("endpointPublicAccess") is not False,
                listed(each.get("publicAccessCidrs")),
                each.get("encryptionConfigKeyArn"),
                listed(each.get("enabledClusterLogTypes")),
            )
