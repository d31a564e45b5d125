"""The kinds of tasks there are: which queue, how important, how often, how long.

A kind is an actor's name. `app` knows kinds and never imports an actor.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# Two queues, so that a long encode holds no thread that short work needs.
ENCODE = "encode"
LIGHT = "light"
QUEUES = (ENCODE, LIGHT)

PRIORITY_NORMAL = 50
PRIORITY_HIGH = 80
PRIORITY_LOW = 20


@dataclass(frozen=True, slots=True)
class TaskKind:
    name: str
    queue: str
    priority: int = PRIORITY_NORMAL
    max_attempts: int = 5
    timeout_seconds: float = 600.0


KINDS: Mapping[str, TaskKind] = {
    kind.name: kind
    for kind in (
        TaskKind("ingest", LIGHT, timeout_seconds=1800),
        TaskKind("probe", LIGHT, PRIORITY_HIGH, timeout_seconds=300),
        # The plan says how long an encode may take; this holds where it says nothing.
        TaskKind("encode", ENCODE, max_attempts=4, timeout_seconds=6 * 3600),
        TaskKind("package", LIGHT, timeout_seconds=1800),
        TaskKind("images", LIGHT, PRIORITY_HIGH, timeout_seconds=900),
        TaskKind("verify", LIGHT, timeout_seconds=900),
        TaskKind("publish", LIGHT, PRIORITY_HIGH, timeout_seconds=300),
        TaskKind("export", LIGHT, PRIORITY_LOW, max_attempts=10, timeout_seconds=300),
        TaskKind("sweep", LIGHT, PRIORITY_LOW, max_attempts=10, timeout_seconds=1800),
        # Does nothing, and does it through all that real work goes through: measures the way.
        TaskKind("noop", LIGHT, timeout_seconds=60),
        TaskKind("delete", LIGHT, PRIORITY_LOW, max_attempts=20, timeout_seconds=1800),
    )
}
