"""Where pods run: namespaces of the services, and two pools, told apart by one label.

Nodes of the media pool are spot and tainted, so that only encoding, which can be repeated, is
there. The label is on pods as well as on nodes because a Fargate profile chooses pods by theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

POOL = "spool/pool"
# Namespaces of what runs beside Spool, kube-system aside: these under the strictest Pod Security,
EXTERNAL_SECRETS, KEDA, OBSERVABILITY = SERVICES = ("external-secrets", "keda", "observability")
# and one of agents that read the node's own files, which only `privileged` allows.
NODE_AGENTS = "node-agents"


@dataclass(frozen=True)
class Placement:
    """What a pod says to be placed.

    Args:
        labels: Of the pod.
        node_selector: Labels that its node must have.
        tolerations: Taints that its node may have.
    """

    labels: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: Sequence[Mapping[str, str]]


# Anywhere but in the media pool, whose taint keeps it away; Fargate where the stack has it.
GENERAL = Placement(labels={POOL: "general"}, node_selector={}, tolerations=())
MEDIA = Placement(
    labels={POOL: "media"},
    node_selector={POOL: "media"},
    tolerations=({"key": POOL, "operator": "Equal", "value": "media", "effect": "NoSchedule"},),
)
