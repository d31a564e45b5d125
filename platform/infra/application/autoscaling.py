"""How many pods, and how many connections each: planned from what a stack may have. Pure.

PostgreSQL refuses whoever comes after its last connection, so what all pods may open together at
their most, and what a roll-out starts besides, has to fit; the size of each pod's pool follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.application.processes import PROCESSES, Process
from infra.placement import MEDIA

# Kept by PostgreSQL for superusers (3) and by RDS (2) for its own, about as many that RDS has open;
# the migrations' one, and one for somebody with a psql.
_RESERVED_CONNECTIONS = 10
_POOL_MOST = 10
_POOL_LEAST = 2
# RDS' formula for max_connections is DBInstanceClassMemory / 9531392, 5000 at most; that memory is
# about this share of an instance's, less a fixed part. A db.t3.micro takes 81.
_MEMORY_SHARE = 0.9
_MEMORY_KEPT_GIB = 0.2
_BYTES_A_CONNECTION = 9_531_392
_CONNECTIONS_MOST = 5000
_GIB = 1024**3
# An Aurora capacity unit.
_GIB_PER_ACU = 2
_SIZES_T = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}


class TooManyConnections(Exception):
    """The stack's pods may open more connections than its database takes; says what to change."""


@dataclass(frozen=True)
class Replicas:
    """How many pods of a process there are.

    Args:
        surge: How many more a roll-out may start.
    """

    least: int
    most: int
    surge: int

    @property
    def fixed(self) -> bool:
        return self.least == self.most


@dataclass(frozen=True)
class Limits:
    """What a stack's settings say: `apiReplicasMin` and so on."""

    api_least: int
    api_most: int
    workers_least: int
    workers_most: int
    media_nodes_most: int


def replicas_of(process: Process, limits: Limits) -> Replicas:
    """How many pods of a process a stack has.

    The relay is never none: it sends the first wake-up.
    """
    # Two where one would be a single point, in stacks that mind.
    pair = 2 if limits.api_least > 1 else 1
    match process.kind:
        case "api":
            return Replicas(limits.api_least, limits.api_most, surge=1)
        case "worker":
            if process.placement != MEDIA:
                return Replicas(limits.workers_least, limits.workers_most, surge=1)
            # One fills a node of the media pool. More would wait for nodes that never come, and so
            # would one that is to replace another while all nodes are taken.
            most = min(limits.workers_most, limits.media_nodes_most)
            return Replicas(min(limits.workers_least, most), most, surge=0)
        case "service":
            # Nobody waits for an answer of theirs: one may end before the next begins.
            return Replicas(pair, pair, surge=0)
        case "console":
            return Replicas(pair, pair, surge=1)
        case "job":
            return Replicas(1, 1, surge=0)


def database_connections(kind: str, database_class: str, max_acu: float) -> int:
    """What a stack's database takes: by its class, or by an Aurora's largest capacity.

    Raises:
        ValueError: as `connections_of`.
    """
    if kind == "aurora":
        return connections_of_memory(_GIB_PER_ACU * max_acu)
    return connections_of(database_class)


def connections_of(database_class: str) -> int:
    """What an RDS instance takes by its class's memory, on the careful side.

    Raises:
        ValueError: no class of the families T, M, R.
    """
    try:
        _, family, size = database_class.split(".")
        if family.startswith("t"):
            memory: float = _SIZES_T[size]
        else:
            factor = {"large": 0.5, "xlarge": 1.0}.get(size) or int(size.removesuffix("xlarge"))
            memory = factor * {"m": 16, "r": 32}[family[0]]
    except (KeyError, ValueError) as error:
        raise ValueError(f"no idea how much memory a {database_class} has") from error
    return connections_of_memory(memory)


def connections_of_memory(gib: float) -> int:
    """By memory alone."""
    memory = (gib - _MEMORY_KEPT_GIB) * _GIB * _MEMORY_SHARE
    return min(int(memory / _BYTES_A_CONNECTION), _CONNECTIONS_MOST)


def peak_connections(process: Process, pool_size: int) -> int:
    """The most that one pod opens: its pool, half as many again (at least one), listeners."""
    return pool_size + max(1, pool_size // 2) + process.listeners


def plan_pool(connections: int, replicas: Mapping[str, Replicas]) -> int:
    """The largest pool that all pods may have at once.

    Args:
        connections: What the database takes.
        replicas: Of every process that speaks to it, by name.

    Raises:
        TooManyConnections: even the least pool is too much.
    """
    room = connections - _RESERVED_CONNECTIONS
    for size in range(_POOL_MOST, _POOL_LEAST - 1, -1):
        if _all_connections(size, replicas) <= room:
            return size
    raise TooManyConnections(
        f"this stack's pods open {_all_connections(_POOL_LEAST, replicas)} connections with the "
        f"least of pools, and the database has {max(room, 0)} for them; lower "
        "spool:apiReplicasMax or spool:workersMax, or take a larger spool:databaseClass (for "
        "Aurora, spool:auroraMaxAcu)."
    )


def _all_connections(pool_size: int, replicas: Mapping[str, Replicas]) -> int:
    return sum(
        (each.most + each.surge) * peak_connections(PROCESSES[name], pool_size)
        for name, each in replicas.items()
    )
