"""Where pods run: two pools, told apart by one label of nodes and pods.

Nodes of the media pool are spot and tainted, so that only encoding, which can be repeated, is
there. The label is on pods as well because a Fargate profile chooses pods by their labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

POOL = "spool/pool"


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
