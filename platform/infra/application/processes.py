"""What runs in the cluster: one row a process. How each is run is said by docs/images.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from infra.placement import GENERAL, MEDIA, Placement

NAMESPACE = "spool"

# From SIGTERM until an encode is handed back: longer than a chunk takes to encode. What is left of
# the grace is for FFmpeg to end, rows to be handed back and spans to be sent.
DRAIN_SECONDS = 300
_HAND_BACK_SECONDS = 30
# After so long without a byte the load balancer closes a connection: an upload in one request may
# pause, and an event stream is silent between two events.
BALANCER_IDLE_SECONDS = 120
# Whoever is behind it closes connections later than it does: a request that it sends on one that is
# being closed is answered with 502.
KEEP_ALIVE_SECONDS = BALANCER_IDLE_SECONDS + 10
# A load balancer stops sending a while after a pod began to end; until then the pod answers.
_BALANCER_SECONDS = 20
# An API ends within 3 s of SIGTERM; an upload in one request gets as long as most need.
_UPLOAD_SECONDS = 60
_END_SECONDS = 15


@dataclass(frozen=True)
class Resources:
    """What one pod asks for and gets at most, in Kubernetes' units.

    Args:
        scratch: Size of /tmp, a disk: the only place that can be written. Who outgrows it is
            evicted, with all that it was doing. The lines that the node keeps of a pod count too,
            up to 50 MiB.
        scratch_asked: What a node must have free of that; all of it where it is None.
    """

    cpu: str
    cpu_limit: str
    memory: str
    memory_limit: str
    scratch: str
    scratch_asked: str | None = None


@dataclass(frozen=True)
class Process:
    """One kind of pod.

    Args:
        image: Which of the three images.
        module: What it runs, behind `python -m`; None is what the image runs by itself.
        port: Where it listens; None for a job.
        kind: An API role is behind the load balancer; a worker follows its queues; a service does
            neither.
        environment: What it is told of itself.
        listeners: Connections that it keeps open to be notified by PostgreSQL.
        pre_stop_seconds: Still answers for so long after it was told to end.
        grace_seconds: From being told to end until it is killed.
    """

    name: str
    image: Literal["api", "worker", "console"]
    module: str | None
    port: int | None
    kind: Literal["api", "worker", "service", "console", "job"]
    resources: Resources
    environment: Mapping[str, str]
    health: str = "/health"
    ready: str = "/ready"
    uid: int = 1000
    listeners: int = 0
    placement: Placement = GENERAL
    pre_stop_seconds: int = 0
    grace_seconds: int = _END_SECONDS

    @property
    def scraped(self) -> bool:
        """Has measurements for Prometheus."""
        return self.port is not None and self.kind != "console"

    @property
    def slots(self) -> int:
        """How many tasks a worker does at once."""
        return sum(int(v) for k, v in self.environment.items() if k.endswith("_SLOTS"))


def _api(role: str, resources: Resources, pre_stop_seconds: int = _BALANCER_SECONDS) -> Process:
    return Process(
        role,
        image="api",
        module="app.asgi",
        port=8000,
        kind="api",
        resources=resources,
        environment={
            "SPOOL_ROLE": role,
            "SPOOL_KEEP_ALIVE_SECONDS": str(KEEP_ALIVE_SECONDS),
        },
        # Who is watching is told of events.
        listeners=int(role == "catalog"),
        pre_stop_seconds=pre_stop_seconds,
        grace_seconds=pre_stop_seconds + _END_SECONDS,
    )


def _worker(
    name: str, encode: int, light: int, resources: Resources, placement: Placement = GENERAL
) -> Process:
    return Process(
        name,
        image="worker",
        module="workers.main",
        port=9090,
        kind="worker",
        resources=resources,
        environment={
            "SPOOL_WORKER_ENCODE_SLOTS": str(encode),
            "SPOOL_WORKER_LIGHT_SLOTS": str(light),
            # The relay does it, which runs where workers may be none.
            "SPOOL_WORKER_UPKEEP": "false",
            "SPOOL_DRAIN_SECONDS": str(DRAIN_SECONDS),
        },
        # For tasks that are cancelled.
        listeners=1,
        placement=placement,
        grace_seconds=DRAIN_SECONDS + _HAND_BACK_SECONDS,
    )


def _service(name: str, module: str, resources: Resources, listeners: int = 0) -> Process:
    return Process(
        name,
        image="worker",
        module=module,
        port=9090,
        kind="service",
        resources=resources,
        environment={},
        listeners=listeners,
        grace_seconds=_HAND_BACK_SECONDS,
    )


PROCESSES: Mapping[str, Process] = {
    each.name: each
    for each in (
        _api("uploader", Resources("250m", "1", "256Mi", "768Mi", "2Gi"), _UPLOAD_SECONDS),
        _api("catalog", Resources("250m", "1", "256Mi", "768Mi", "1Gi")),
        # Two password hashes at once take 64 MiB each.
        _api("accounts", Resources("250m", "1", "384Mi", "768Mi", "256Mi")),
        _api("analytics", Resources("100m", "500m", "256Mi", "512Mi", "256Mi")),
        # One on a node of four cores; FFmpeg takes what there is.
        _worker("encode", 1, 0, Resources("3", "4", "3Gi", "6Gi", "16Gi"), MEDIA),
        # A task may have a source of 5 GiB, or all tracks of one and what is packaged of them; few
        # have, so that pods are placed by half of it.
        _worker("light", 0, 2, Resources("500m", "2", "1Gi", "2Gi", "24Gi", "12Gi")),
        # Rings for tasks, and sends what is in the outbox: both as soon as they are told.
        _service("relay", "workers.relay", Resources("100m", "500m", "256Mi", "512Mi", "1Gi"), 2),
        _service("intake", "workers.intake", Resources("250m", "1", "512Mi", "1Gi", "8Gi")),
        Process(
            "console",
            image="console",
            module=None,
            port=8080,
            kind="console",
            resources=Resources("50m", "250m", "32Mi", "128Mi", "256Mi"),
            environment={},
            health="/healthz",
            ready="/healthz",
            uid=101,
            pre_stop_seconds=_BALANCER_SECONDS,
            grace_seconds=_BALANCER_SECONDS + _END_SECONDS,
        ),
        Process(
            "migrations",
            image="api",
            module="migrations.run",
            port=None,
            kind="job",
            resources=Resources("250m", "1", "256Mi", "512Mi", "256Mi"),
            # Settings of an API that needs no store.
            environment={"SPOOL_ROLE": "accounts"},
            grace_seconds=60,
        ),
    )
}
