"""What is watched, once for CloudWatch and once for Prometheus. Pure.

The thresholds are those of OB-4 in the requirements; docs/runbooks/alarms.md says of each alarm
what it means and what to do, and a test compares the names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.state.queues import dead_letter_name

FIVE_MINUTES = 5 * 60
# Routes of Spool whose answers take as long as they take: bodies of uploads, streams of events.
# CloudWatch, which knows no routes, counts the former.
TIMED = 'route!~".*/(tus|uploads/simple|api/uploader|events|_store)(/.*)?"'


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch.

    Args:
        statistic: `Sum`, `Average`, `Maximum`, `Minimum`, or a percentile such as `p95`.
        dimensions: Dimension to the name of a place: `load_balancer`, `cluster`, `database` …,
            which `Alarms` knows the values of; or to a value, written with `=` before it.
    """

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]
    period: int = FIVE_MINUTES


@dataclass(frozen=True)
class Watch:
    """One condition that somebody must hear of, by CloudWatch, or see, in Grafana.

    Args:
        name: In kebab case; alarms and rules are called by it.
        about: What is wrong when it fires, a sentence.
        metrics: By id. One, or several that `expression` combines; none for what only Prometheus
            knows.
        expression: Metric math over the ids, such as `100 * errors / requests`.
        threshold: Fires above it, or below where `below`.
        periods: So many in a row.
        promql: The same for Prometheus, an expression that is true when it fires; empty where
            only CloudWatch can know.
        minutes: For how long, in Prometheus.
    """

    name: str
    about: str
    metrics: Mapping[str, Metric]
    threshold: float
    expression: str | None = None
    below: bool = False
    periods: int = 1
    promql: str = ""
    minutes: int = 5
    severity: str = "page"


@dataclass(frozen=True)
class Places:
    """What a stack has to watch.

    Args:
        queues: Names of the queues of work.
        dead_letters: Names of all queues of dead letters, those of `queues` among them.
        stream: Name of the data stream, if any.
        aurora: The database is a cluster.
        storage_gib: Of an instance: a tenth of it must be free.
        connections: That the database takes.
        load_balancer: There is one; not where nothing runs yet.
        insights: CloudWatch measures the nodes.
    """

    queues: Sequence[str]
    dead_letters: Sequence[str]
    stream: str | None
    aurora: bool
    storage_gib: int
    connections: int
    load_balancer: bool
    insights: bool


def watches(places: Places) -> list[Watch]:
    """All conditions of a stack, names unique."""
    return [
        *(_clients() if places.load_balancer else ()),
        *_queues(places),
        *_streams(places),
        *_database(places),
        *_nodes(places),
        *_own(),
    ]


# Neither metric has data when there is nothing to count.
_ALL = "FILL(requests, 0) + FILL(refused, 0)"


def database_dimension(*, aurora: bool) -> str:
    """What CloudWatch knows the database by."""
    return "DBClusterIdentifier" if aurora else "DBInstanceIdentifier"


def _clients() -> Iterator[Watch]:
    def balancer(name: str, statistic: str) -> Metric:
        return Metric("AWS/ApplicationELB", name, statistic, {"LoadBalancer": "load_balancer"})

    yield Watch(
        "http-errors",
        "More than 5 % of requests are answered with 5xx.",
        {
            "errors": balancer("HTTPCode_Target_5XX_Count", "Sum"),
            # Answered by the balancer itself, which found no pod; not among `requests`.
            "refused": balancer("HTTPCode_ELB_5XX_Count", "Sum"),
            "requests": balancer("RequestCount", "Sum"),
        },
        threshold=5,
        expression=f"IF({_ALL} > 0, 100 * (FILL(errors, 0) + FILL(refused, 0)) / ({_ALL}), 0)",
        promql=(
            '(sum(rate(http_request_duration_seconds_count{status=~"5.."}[5m])) or vector(0))'
            " + sum(rate(http_requests_refused_total[5m])) > 0.05 *"
            " (sum(rate(http_request_duration_seconds_count[5m]))"
            " + sum(rate(http_requests_refused_total[5m])))"
        ),
    )
    yield Watch(
        "http-slow",
        "One request in twenty takes more than 2 s.",
        {"p95": balancer("TargetResponseTime", "p95")},
        threshold=2,
        promql=(
            "histogram_quantile(0.95, sum by (le)"
            f" (rate(http_request_duration_seconds_bucket{{{TIMED}}}[5m]))) > 2"
        ),
    )


def _queues(places: Places) -> Iterator[Watch]:
    for queue in places.queues:
        yield Watch(
            f"queue-{queue}",
            f"More than 1000 messages wait in {queue}.",
            {"waiting": _of_queue(queue)},
            threshold=1000,
            promql=f'max(spool_queue_messages{{queue="{queue}",state="visible"}}) > 1000',
        )
    # Those that Spool itself counts, too.
    counted = {dead_letter_name(queue) for queue in places.queues}
    for queue in places.dead_letters:
        there = f'max(spool_queue_messages{{queue="{queue}",state="visible"}}) > 0'
        yield Watch(
            f"dead-{queue}",
            f"A message was given up; it lies in {queue}.",
            {"dead": _of_queue(queue)},
            threshold=0,
            promql=there if queue in counted else "",
        )


def _of_queue(queue: str) -> Metric:
    return Metric(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", {"QueueName": f"={queue}"}
    )


def _streams(places: Places) -> Iterator[Watch]:
    if places.stream is None:
        return
    for way in ("Read", "Write"):
        yield Watch(
            f"stream-{way.lower()}-throttled",
            f"The data stream puts off {way.lower()}s: it has too few shards.",
            {
                "throttled": Metric(
                    "AWS/Kinesis",
                    f"{way}ProvisionedThroughputExceeded",
                    "Sum",
                    {"StreamName": f"={places.stream}"},
                )
            },
            threshold=0,
            promql="increase(spool_stream_throttled_total[5m]) > 0" if way == "Read" else "",
            minutes=0,
        )


def _database(places: Places) -> Iterator[Watch]:
    def metric(name: str, statistic: str = "Average") -> Metric:
        dimension = database_dimension(aurora=places.aurora)
        return Metric("AWS/RDS", name, statistic, {dimension: "database"})

    yield Watch(
        "database-cpu",
        "The database has used more than 80 % of its CPU for 15 minutes.",
        {"cpu": metric("CPUUtilization")},
        threshold=80,
        periods=3,
    )
    yield Watch(
        "database-connections",
        "More than 80 % of the database's connections are taken.",
        {"taken": metric("DatabaseConnections", "Maximum")},
        threshold=0.8 * places.connections,
    )
    yield Watch(
        "database-memory",
        "The database has less than 128 MiB of memory left.",
        {"free": metric("FreeableMemory", "Minimum")},
        threshold=128 * 1024**2,
        below=True,
        periods=3,
    )
    if not places.aurora:
        yield Watch(
            "database-storage",
            "Less than a tenth of the database's storage is free.",
            {"free": metric("FreeStorageSpace", "Minimum")},
            threshold=places.storage_gib * 1024**3 / 10,
            below=True,
        )


def _nodes(places: Places) -> Iterator[Watch]:
    for what in ("cpu", "memory"):
        metric = Metric(
            "ContainerInsights", f"node_{what}_utilization", "Average", {"ClusterName": "cluster"}
        )
        yield Watch(
            f"nodes-{what}",
            f"The nodes have used more than 80 % of their {what} for 15 minutes.",
            {"used": metric} if places.insights else {},
            threshold=80,
            periods=3,
            promql=(
                'avg(1 - rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.8'
                if what == "cpu"
                else "avg(1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) > 0.8"
            ),
            minutes=15,
            severity="ticket",
        )


def _own() -> Iterator[Watch]:
    """What only Spool itself knows, and tells Prometheus."""
    for name, about, promql in (
        ("stuck-rows", "Rows are past the deadline of their state.", "max(spool_stuck_rows) > 0"),
        (
            "outbox-old",
            "Something has waited for more than 5 minutes to leave.",
            "max(spool_outbox_oldest_seconds) > 300",
        ),
        (
            "outbox-dead",
            "Deliveries were given up.",
            'max(spool_outbox_rows{state="dead"}) > 0',
        ),
        (
            "tasks-failing",
            "More than a quarter of the attempts at tasks have failed for 15 minutes.",
            (
                'sum(rate(spool_tasks_total{outcome="failed"}[15m]))'
                " / sum(rate(spool_tasks_total[15m])) > 0.25"
            ),
        ),
    ):
        yield Watch(name, about, {}, 0, promql=promql)
