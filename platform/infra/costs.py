"""What a stack costs a month before anybody uploads, roughly. Pure.

On-demand prices of us-east-1 in USD, rounded, written down from memory of 2025; each names the page
of AWS to compare it with before you rely on it. Traffic, requests, storage of videos and spot nodes
at work come on top.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.config.settings import Settings
from infra.ground.endpoints import INTERFACES

HOURS = 730


@dataclass(frozen=True)
class Price:
    """One price.

    Args:
        usd: Of one `unit`.
        unit: `hour`, `GiB-month`, or `month`.
        page: AWS' page that it is from.
    """

    usd: float
    unit: str
    page: str


_INSTANCES = {
    "t3.medium": 0.0416, "t3.large": 0.0832, "t3a.medium": 0.0376, "m6i.large": 0.096,
}  # fmt: skip
_DATABASES = {
    "db.t3.micro": 0.018, "db.t3.small": 0.036, "db.t4g.micro": 0.016, "db.r6g.large": 0.225,
}  # fmt: skip
PRICES: Mapping[str, Price] = {
    "EKS control plane": Price(0.10, "hour", "Amazon EKS pricing"),
    "NAT gateway": Price(0.045, "hour", "Amazon VPC pricing"),
    "interface endpoint, a zone": Price(0.01, "hour", "AWS PrivateLink pricing"),
    "load balancer": Price(0.0225, "hour", "Elastic Load Balancing pricing"),
    "storage of nodes": Price(0.08, "GiB-month", "Amazon EBS pricing, gp3"),
    "storage of the database": Price(0.115, "GiB-month", "Amazon RDS for PostgreSQL pricing, gp3"),
    "Aurora capacity unit": Price(0.12, "hour", "Amazon Aurora pricing"),
    "proxy, a vCPU": Price(0.015, "hour", "Amazon RDS Proxy pricing"),
    "KMS key": Price(1, "month", "AWS KMS pricing"),
    "web ACL with its rules": Price(11, "month", "AWS WAF pricing"),
    "alarm": Price(0.10, "month", "Amazon CloudWatch pricing"),
    "shard of the stream": Price(0.015, "hour", "Amazon Kinesis Data Streams pricing"),
}


@dataclass(frozen=True)
class Line:
    """One line of the estimate: `count` of `what`, together `usd` a month."""

    what: str
    count: float
    usd: float


def estimate(settings: Settings) -> list[Line]:
    """Lines of what runs all the time, the dearest first.

    Instance types without a known price are counted as t3.large, and databases as db.r6g.large.
    """
    return sorted(_lines(settings), key=lambda line: -line.usd)


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)


def _lines(settings: Settings) -> Iterator[Line]:
    network, cluster, database = settings.network, settings.cluster, settings.database
    zones = network.zones
    yield _line("EKS control plane", 1)
    nodes = 2 * cluster.nodes_desired if cluster.compute == "nodes" else 0
    if nodes:
        type_ = cluster.node_types[0]
        hourly = _INSTANCES.get(type_, _INSTANCES["t3.large"])
        yield Line(f"nodes, {type_}", nodes, nodes * hourly * HOURS)
        yield _line("storage of nodes", nodes * 50)
    nat = {"none": 0, "one": 1, "per-zone": zones}[network.nat_gateways]
    yield _line("NAT gateway", nat)
    if network.interface_endpoints:
        yield _line("interface endpoint, a zone", len(INTERFACES) * zones)
    yield _line("load balancer", 1)
    servers = (2 if database.database_multi_az else 1) + database.database_replicas
    if database.database == "aurora":
        yield _line("Aurora capacity unit", database.aurora_min_acu * servers)
    else:
        class_ = database.database_class
        hourly = _DATABASES.get(class_, _DATABASES["db.r6g.large"])
        yield Line(f"database, {class_}", servers, servers * hourly * HOURS)
        yield _line("storage of the database", servers * database.database_storage_gib)
    if database.database_proxy:
        yield _line("proxy, a vCPU", 2)
    if settings.general.kms_keys:
        yield _line("KMS key", 6)
    if settings.edge.waf:
        yield _line("web ACL with its rules", 2 if settings.edge.cdn else 1)
    yield _line("alarm", 22)
    if settings.state.kinesis:
        yield _line("shard of the stream", settings.state.kinesis_shards)


def _line(what: str, count: float) -> Line:
    price = PRICES[what]
    hours = HOURS if price.unit == "hour" else 1
    return Line(what, count, count * price.usd * hours)
