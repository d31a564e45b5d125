"""Spool itself in the cluster: everything of its namespace, in the order in which it comes up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.application.autoscaling import Limits, plan_pool, replicas_of
from infra.application.custom_resources import pod_monitor, queue_authentication
from infra.application.flows import Surroundings
from infra.application.ingress import Entrance, Ingress, IngressArgs
from infra.application.migrations import Migrations
from infra.application.namespace import Namespace, NamespaceArgs
from infra.application.network_policies import NetworkPolicies, NetworkPoliciesArgs
from infra.application.processes import PROCESSES, Process
from infra.application.wiring import Grants, grants_of
from infra.application.workload import Workload, WorkloadArgs
from infra.component import Component
from infra.names import Names
from infra.workload_role import PodCredentials


@dataclass(frozen=True)
class Images:
    """The three images, each `repository@sha256:…` (or a tag, in dev)."""

    api: str
    worker: str
    console: str


@dataclass(frozen=True)
class Tracing:
    """Where spans go.

    Args:
        endpoint: OTLP; nowhere where it is None.
        ratio: Share of traces that are kept.
    """

    endpoint: str | None
    ratio: float


@dataclass(frozen=True, kw_only=True)
class ApplicationArgs:
    """What runs, on what.

    Args:
        queue_urls: By kind of worker, its three queues.
        credentials: How pods get a role.
        limits: How many pods there may be.
        database_connections: What the database takes; pools are planned from it.
        database_host: Which database the migrations are for.
        secret_store: The ClusterSecretStore of Secrets Manager.
        services_ready: The cluster's services; they outlive all of this.
        intake: There is a data stream, or notices of a bucket.
        prometheus: There is one to look at pods.
        tags: Of what no provider tags.
    """

    names: Names
    region: str
    images: Images
    grants: Grants
    queue_urls: Mapping[str, Sequence[pulumi.Input[str]]]
    credentials: PodCredentials
    limits: Limits
    database_connections: int
    database_host: pulumi.Input[str]
    surroundings: Surroundings
    entrance: Entrance
    tracing: Tracing
    secret_store: str
    services_ready: Sequence[pulumi.Resource]
    tags: Mapping[str, str]
    intake: bool = False
    prometheus: bool = False


class Application(Component):
    """All processes of Spool.

    Attributes:
        url: What clients put before a path.
        hostname: Name of the load balancer in DNS.
        ingress: The way in; its `load_balancer()` is what measurements of it go by.
        workloads: The workloads by process.
        migrations: The job.
    """

    KIND = "application:Application"

    url: pulumi.Output[str]
    hostname: pulumi.Output[str]
    ingress: Ingress
    workloads: Mapping[str, Workload]
    migrations: Migrations

    def __init__(
        self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        running = {
            each: process for each, process in PROCESSES.items() if args.intake or each != "intake"
        }
        replicas = {each: replicas_of(running[each], args.limits) for each in running}
        pool = plan_pool(
            args.database_connections,
            {
                each: replicas[each]
                for each, process in running.items()
                if process.kind not in ("console", "job")
            },
        )
        namespace = Namespace(
            name,
            NamespaceArgs(
                # While all are replaced, as many again are ending.
                pods_most=2 * sum(each.most + each.surge for each in replicas.values()),
                after=args.services_ready,
            ),
            opts=self.child(),
        )
        policies = NetworkPolicies(
            name,
            NetworkPoliciesArgs(
                namespace=namespace.name,
                processes=list(running.values()),
                surroundings=args.surroundings,
            ),
            opts=self.child(),
        )
        self.ingress = Ingress(
            name,
            IngressArgs(
                names=args.names,
                namespace=namespace.name,
                region=args.region,
                cluster_name=args.credentials.cluster_name,
                tags=args.tags,
                entrance=args.entrance,
            ),
            opts=self.child(),
        )
        self.url, self.hostname = self.ingress.url, self.ingress.hostname

        def workload(process: Process, after: Sequence[pulumi.Resource]) -> WorkloadArgs:
            return WorkloadArgs(
                names=args.names,
                namespace=namespace.name,
                process=process,
                image=vars(args.images)[process.image],
                replicas=replicas[process.name],
                grants=grants_of(process.name, args.grants),
                environment=_environment(process, args, self.url, pool),
                credentials=args.credentials,
                secret_store=args.secret_store,
                region=args.region,
                queue_urls=args.queue_urls.get(process.name, ()),
                pods_after=[*policies.resources, *after],
            )

        self.migrations = Migrations(
            "migrations",
            workload(running["migrations"], []),
            database_host=args.database_host,
            opts=self.child(),
        )
        queue_authentication(namespace.name, self.child())
        self.workloads = {
            each: Workload(
                each,
                workload(process, [self.migrations.job, *self.ingress.ready]),
                opts=self.child(),
            )
            for each, process in running.items()
            if process.kind != "job"
        }
        if args.prometheus:
            pod_monitor(namespace.name, self.child())
        self.register_outputs({"url": self.url, "hostname": self.hostname})


def _environment(
    process: Process, args: ApplicationArgs, url: pulumi.Input[str], pool: int
) -> dict[str, pulumi.Input[str]]:
    """What every process is told, whatever it is granted; the console reads nothing."""
    if process.kind in ("console", "job"):
        return {}
    told: dict[str, pulumi.Input[str]] = {
        "SPOOL_AWS_REGION": args.region,
        "SPOOL_DATABASE_POOL_SIZE": str(pool),
        "SPOOL_ENVIRONMENT": args.names.stack,
        "SPOOL_PUBLIC_URL": url,
    }
    if args.tracing.endpoint:
        told |= {
            "SPOOL_OTLP_ENDPOINT": args.tracing.endpoint,
            "SPOOL_TRACE_FORMAT": "xray",
            "SPOOL_TRACE_SAMPLE_RATIO": str(args.tracing.ratio),
        }
    return told
