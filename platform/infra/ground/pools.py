"""Which groups of nodes a cluster has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from infra.placement import GENERAL, MEDIA, Placement

Compute = Literal["nodes", "fargate"]
NodeScaling = Literal["none", "cluster-autoscaler", "karpenter"]
# Images and logs; a media node also holds the chunks that are being encoded.
_GENERAL_GIB, _MEDIA_GIB = 50, 100


@dataclass(frozen=True)
class MediaNodes:
    """The media pool, whoever makes it.

    Args:
        types: Instance types.
        most: Nodes at most.
        spot: Spot where there is some.
    """

    types: Sequence[str]
    most: int
    spot: bool


@dataclass(frozen=True)
class Pool:
    """One managed node group.

    Args:
        name: Such as `general-1`.
        instance_types: In the order of preference; one need not be there.
        least, desired, most: Nodes; `desired` at first, an autoscaler's business afterwards.
        spot: Cheaper, and taken away on two minutes' notice.
        disk_gib: Of the root volume, where containers' files are.
        placement: What its nodes are labelled and tainted for.
    """

    name: str
    instance_types: Sequence[str]
    least: int
    desired: int
    most: int
    spot: bool
    disk_gib: int
    placement: Placement


def plan_pools(
    *,
    compute: Compute,
    node_scaling: NodeScaling,
    node_types: Sequence[str],
    nodes_min: int,
    nodes_desired: int,
    nodes_max: int,
    media: MediaNodes,
) -> list[Pool]:
    """The groups: two general ones, so that one can be replaced while the other serves, and media.

    On Fargate the general ones are not needed. With Karpenter the media nodes are its business,
    and the general ones are where it runs itself. Without an autoscaler nobody would add the
    first media node, so there is one.
    """
    pools = []
    if compute == "nodes":
        pools += [
            Pool(
                f"general-{number}",
                node_types,
                nodes_min,
                nodes_desired,
                nodes_max,
                spot=False,
                disk_gib=_GENERAL_GIB,
                placement=GENERAL,
            )
            for number in (1, 2)
        ]
    if node_scaling != "karpenter":
        first = 1 if node_scaling == "none" else 0
        pools.append(
            Pool(
                "media",
                media.types,
                first,
                first,
                media.most,
                spot=media.spot,
                disk_gib=_MEDIA_GIB,
                placement=MEDIA,
            )
        )
    return pools
