"""What the network ACLs of each kind of subnet let through.

They keep no state, so that an answer needs a rule of its own: it comes to a port of 1024 and up.
Security groups are what tells one workload from another; these only keep a row of subnets from
becoming what it is not, whatever a security group says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.ground.subnets import SubnetPlan

_ANYWHERE = "0.0.0.0/0"
_POSTGRES = 5432


@dataclass(frozen=True)
class Rule:
    """What may pass, as EC2 spells it: protocol `-1` is all of them, with ports of 0."""

    network: str
    protocol: str = "-1"
    first: int = 0
    last: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None


@dataclass(frozen=True)
class Rules:
    inward: Sequence[Rule]
    outward: Sequence[Rule]

    @staticmethod
    def numbered(rules: Sequence[Rule]) -> Iterator[tuple[int, Rule]]:
        """With gaps, as AWS advises."""
        for index, rule in enumerate(rules, 1):
            yield index * 100, rule


# Without it, packets that are too large vanish: "fragmentation needed".
_TOO_LARGE = Rule(_ANYWHERE, "icmp", icmp_type=3, icmp_code=4)
_ANSWERS = (
    Rule(_ANYWHERE, "tcp", 1024, 65535),
    Rule(_ANYWHERE, "udp", 1024, 65535),
    _TOO_LARGE,
)


def public_rules(plan: SubnetPlan) -> Rules:
    """The web comes in, and answers to who went out through NAT."""
    web = (Rule(_ANYWHERE, "tcp", 80, 80), Rule(_ANYWHERE, "tcp", 443, 443))
    return Rules(inward=(Rule(plan.vpc), *web, *_ANSWERS), outward=(Rule(_ANYWHERE),))


def private_rules(plan: SubnetPlan) -> Rules:
    """The VPC comes in, and answers from outside."""
    return Rules(inward=(Rule(plan.vpc), *_ANSWERS), outward=(Rule(_ANYWHERE),))


def database_rules(plan: SubnetPlan) -> Rules:
    """Private subnets ask, and get answers; the databases and their proxy speak to each other."""
    asking = [Rule(network, "tcp", _POSTGRES, _POSTGRES) for network in plan.private]
    answers = [Rule(network, "tcp", 1024, 65535) for network in plan.private]
    each_other = [Rule(network, "tcp", 1024, 65535) for network in plan.database]
    return Rules(inward=(*asking, *each_other), outward=(*answers, *each_other))
