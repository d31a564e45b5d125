"""Who may speak to whom: every flow in and out of the namespace. What is not here is refused.

Pure; `network_policies.py` writes it for Kubernetes, and tests (`tests/infra/reach.py`) ask whether
what was written lets through these flows and no others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.application.processes import Process

COLLECTOR_PORT = 4317
POSTGRES_PORT = 5432
# What no pod is sent to by a rule for the internet: networks of one's own, the metadata address
# with all that is link-local, and what is no host (IANA's special-purpose registry, RFC 6890).
NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# Answers pods that have EKS Pod Identity, and lies among the link-local addresses.
POD_IDENTITY_AGENT = "169.254.170.23/32"

Outside = Literal[
    "balancer", "prometheus", "dns", "database", "collector", "internet", "endpoints", "agent"
]


@dataclass(frozen=True)
class Flow:
    """Connections from one to another; one of the two is a process.

    Args:
        source, destination: A process by its name, or a place outside the namespace.
    """

    source: str
    destination: str
    port: int
    protocol: Literal["TCP", "UDP"] = "TCP"


@dataclass(frozen=True)
class Surroundings:
    """Where the places outside are, in this stack.

    Args:
        balancer_cidrs: The public subnets: load balancers speak from there.
        database_cidrs: The subnets of the database and its proxy.
        endpoint_cidrs: The subnets of interface endpoints; empty where there are none, and AWS is
            reached by its public addresses.
        pod_identity: Pods ask the agent on their node for credentials.
    """

    balancer_cidrs: Sequence[str]
    database_cidrs: Sequence[str]
    endpoint_cidrs: Sequence[str] = ()
    pod_identity: bool = False

    def __post_init__(self) -> None:
        # A rule with an empty list of peers lets everybody in.
        if not self.balancer_cidrs or not self.database_cidrs:
            raise ValueError("network policies need the subnets of balancer and database")


# Roles that touch rows only hold no grant of AWS, and have nothing to say to it.
ROWS_ONLY = frozenset({"accounts", "analytics", "migrations"})


def flows_of(process: Process, surroundings: Surroundings) -> Iterator[Flow]:
    """What one process may accept and begin."""
    name = process.name
    if process.port is not None:
        if process.kind in ("api", "console"):
            yield Flow("balancer", name, process.port)
        if process.scraped:
            yield Flow("prometheus", name, process.port)
    if process.kind == "console":
        return
    yield Flow(name, "dns", 53, "UDP")
    yield Flow(name, "dns", 53)
    yield Flow(name, "database", POSTGRES_PORT)
    if process.kind != "job":
        yield Flow(name, "collector", COLLECTOR_PORT)
    if name not in ROWS_ONLY:
        # AWS' services. The relay also sends what users have asked for to where they said, which
        # must not be a place in here.
        yield Flow(name, "internet", 443)
        if surroundings.endpoint_cidrs:
            yield Flow(name, "endpoints", 443)
        if surroundings.pod_identity:
            yield Flow(name, "agent", 80)
