"""Three dashboards of CloudWatch: the application, the workers, the infrastructure. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 12
_HEIGHT = 6
Series = Sequence[Any]


def overview(region: str, load_balancer: str | None, log_group: str) -> str:
    """What clients see: requests, errors, latency, and what became of their videos."""
    published = _log(
        "Videos that were published, or not",
        region,
        log_group,
        "filter event = 'task.ended' and kind = 'publish' | stats count(*) by outcome, bin(5m)",
    )
    if load_balancer is None:
        return _dashboard(published)

    def balancer(name: str, statistic: str, label: str) -> Series:
        return [
            "AWS/ApplicationELB",
            name,
            "LoadBalancer",
            load_balancer,
            {"stat": statistic, "label": label},
        ]

    return _dashboard(
        _graph("Requests", region, [balancer("RequestCount", "Sum", "requests")]),
        _graph(
            "Errors",
            region,
            [
                balancer("HTTPCode_Target_5XX_Count", "Sum", "5xx"),
                balancer("HTTPCode_Target_4XX_Count", "Sum", "4xx"),
                balancer("HTTPCode_ELB_5XX_Count", "Sum", "5xx of the balancer"),
            ],
        ),
        _graph(
            "Latency, seconds",
            region,
            [balancer("TargetResponseTime", p, p) for p in ("p50", "p95", "p99")],
        ),
        published,
    )


def workers(region: str, queues: Sequence[str], log_group: str) -> str:
    """How much waits, for how long, and how long work takes: depth against processing time."""

    def of_queue(name: str, queue: str) -> Series:
        return ["AWS/SQS", name, "QueueName", queue, {"stat": "Maximum", "label": queue}]

    return _dashboard(
        _graph(
            "Messages that wait",
            region,
            [of_queue("ApproximateNumberOfMessagesVisible", queue) for queue in queues],
        ),
        _graph(
            "Age of the oldest, seconds",
            region,
            [of_queue("ApproximateAgeOfOldestMessage", queue) for queue in queues],
        ),
        _log(
            "Seconds that attempts take",
            region,
            log_group,
            "filter event = 'task.ended' | stats avg(seconds), pct(seconds, 95) by kind, bin(5m)",
        ),
        _log(
            "How attempts end",
            region,
            log_group,
            "filter event = 'task.ended' | stats count(*) by outcome, bin(5m)",
        ),
    )


def infrastructure(
    region: str, cluster: str | None, database: tuple[str, str], distribution: str | None
) -> str:
    """Nodes, pods, database, delivery.

    Args:
        cluster: Its name, where CloudWatch measures its nodes.
        database: The dimension that names it, and its name.
        distribution: Id of the CloudFront distribution, if there is one.
    """

    def of_cluster(name: str) -> Series:
        return ["ContainerInsights", name, "ClusterName", cluster, {"stat": "Average"}]

    def of_database(name: str) -> Series:
        return ["AWS/RDS", name, *database, {"stat": "Average"}]

    def of_cdn(name: str, **options: str) -> Series:
        place = ["Region", "Global", "DistributionId", distribution]
        return ["AWS/CloudFront", name, *place, options]

    nodes = [
        _graph(
            "Nodes, %",
            region,
            [
                of_cluster("node_cpu_utilization"),
                of_cluster("node_memory_utilization"),
                of_cluster("node_filesystem_utilization"),
            ],
        ),
        _graph(
            "Nodes and pods",
            region,
            [of_cluster("cluster_node_count"), of_cluster("cluster_number_of_running_pods")],
        ),
    ]
    widgets = [
        *(nodes if cluster else ()),
        _graph(
            "Database, %, and its connections",
            region,
            [of_database("CPUUtilization"), of_database("DatabaseConnections")],
        ),
        _graph(
            "Database, seconds",
            region,
            [of_database("ReadLatency"), of_database("WriteLatency")],
        ),
    ]
    if distribution is not None:
        widgets.append(
            _graph(
                "Delivery: requests, and % of them from the cache",
                "us-east-1",  # where CloudFront's metrics are, whatever the region
                [
                    of_cdn("Requests", stat="Sum", yAxis="right"),
                    of_cdn("CacheHitRate", stat="Average"),
                    of_cdn("5xxErrorRate", stat="Average"),
                ],
            )
        )
    return _dashboard(*widgets)


def _dashboard(*widgets: Mapping[str, Any]) -> str:
    placed = [
        {
            **widget,
            "x": (index % 2) * _WIDTH,
            "y": (index // 2) * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
        }
        for index, widget in enumerate(widgets)
    ]
    return json.dumps({"widgets": placed})


def _graph(title: str, region: str, metrics: Sequence[Series]) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": region,
            "metrics": metrics,
            "period": 300,
            "view": "timeSeries",
        },
    }


def _log(title: str, region: str, group: str, query: str) -> dict[str, Any]:
    return {
        "type": "log",
        "properties": {
            "title": title,
            "region": region,
            "query": f"SOURCE '{group}' | {query}",
            "view": "timeSeries",
        },
    }
