"""Which addresses the subnets of a VPC get: a plan, made without asking anybody.

Every subnet is a /24, whatever the size of the VPC: nodes and pods take addresses of the private
ones. In a /16 the third byte tells what a subnet is: 1 to 3 private, 101 to 103 public, 201 to 203
of databases. A smaller VPC has fewer /24s, and the three rows stand at the same shares of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

_SUBNET = 24
_ROWS = {"private": 1, "public": 101, "database": 201}
_OF = 256


@dataclass(frozen=True)
class SubnetPlan:
    """Networks in CIDR notation, one of each row per zone, in the order of the zones."""

    vpc: str
    public: tuple[str, ...]
    private: tuple[str, ...]
    database: tuple[str, ...]


def plan_subnets(vpc_cidr: str, zones: int) -> SubnetPlan:
    """Three subnets in each of up to three zones.

    Args:
        vpc_cidr: A /16 to /20, such as `10.0.0.0/16`.

    Raises:
        ValueError: not such a network, or not one to three zones.
    """
    vpc = IPv4Network(vpc_cidr)
    if not 16 <= vpc.prefixlen <= 20:
        raise ValueError(f"{vpc} is no /16 to /20")
    if not 1 <= zones <= 3:
        raise ValueError(f"{zones} zones; there are plans for 1 to 3")
    blocks = list(vpc.subnets(new_prefix=_SUBNET))
    rows = {
        row: tuple(str(blocks[_first(share, len(blocks)) + zone]) for zone in range(zones))
        for row, share in _ROWS.items()
    }
    return SubnetPlan(vpc=str(vpc), **rows)


def zones_of(region: str, count: int, chosen: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of the zones: the chosen ones, or the region's first."""
    return tuple(chosen) if chosen else tuple(f"{region}{letter}" for letter in "abc"[:count])


def _first(share: int, blocks: int) -> int:
    return max(1, share * blocks // _OF)
