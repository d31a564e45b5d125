"""What a stack costs a month before anybody uploads, roughly. Pure.

Counted from the resources that the program makes. On-demand prices of us-east-1 in USD, rounded,
written down from memory of 2025; each names the page of AWS to compare it with before you rely on
it. Traffic, requests, storage of videos, measurements of nodes and spot nodes at work come on top.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

HOURS = 730
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_SUBNETS = "alb.ingress.kubernetes.io/subnets"


class Made(Protocol):
    """A resource: its type, its logical name, and its inputs as they are registered."""

    @property
    def type(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Price:
    """One price.

    Args:
        usd: Of one, by `hour`, or by `month`.
        page: AWS' page that it is from.
    """

    usd: float
    unit: str
    page: str

    @property
    def monthly(self) -> float:
        return self.usd * (HOURS if self.unit == "hour" else 1)


_EC2 = "Amazon EC2 On-Demand pricing"
_RDS = "Amazon RDS for PostgreSQL pricing"
_WAF = "AWS WAF pricing"
PRICES: Mapping[str, Price] = {
    "EKS control plane": Price(0.10, "hour", "Amazon EKS pricing"),
    "node, t3.medium": Price(0.0416, "hour", _EC2),
    "node, t3.large": Price(0.0832, "hour", _EC2),
    "node, t3a.medium": Price(0.0376, "hour", _EC2),
    "node, m6i.large": Price(0.096, "hour", _EC2),
    "disk of nodes, GiB": Price(0.08, "month", "Amazon EBS pricing, gp3"),
    "NAT gateway": Price(0.045, "hour", "Amazon VPC pricing"),
    "public IPv4 address": Price(0.005, "hour", "Amazon VPC pricing"),
    "interface endpoint, a zone": Price(0.01, "hour", "AWS PrivateLink pricing"),
    "load balancer": Price(0.0225, "hour", "Elastic Load Balancing pricing"),
    "database, db.t3.micro": Price(0.018, "hour", _RDS),
    "database, db.t3.small": Price(0.036, "hour", _RDS),
    "database, db.t4g.micro": Price(0.016, "hour", _RDS),
    "database, db.r6g.large": Price(0.225, "hour", _RDS),
    "disk of the database, GiB": Price(0.115, "month", f"{_RDS}, gp3"),
    "Aurora capacity unit": Price(0.12, "hour", "Amazon Aurora pricing"),
    "proxy, a vCPU": Price(0.015, "hour", "Amazon RDS Proxy pricing"),
    "KMS key": Price(1, "month", "AWS KMS pricing"),
    "secret": Price(0.40, "month", "AWS Secrets Manager pricing"),
    "web ACL": Price(5, "month", _WAF),
    "rule of a web ACL": Price(1, "month", _WAF),
    "metric of an alarm": Price(0.10, "month", "Amazon CloudWatch pricing"),
    "shard of the stream": Price(0.015, "hour", "Amazon Kinesis Data Streams pricing"),
}
# Of an instance type or class that the table lacks.
_USUAL = {"node": "node, t3.large", "database": "database, db.r6g.large"}


# What a resource counts as, from its inputs.
_COUNTED: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, float]]] = {
    "eks:index:Cluster": lambda _: {"EKS control plane": 1},
    "aws:ec2/natGateway:NatGateway": lambda _: {"NAT gateway": 1, "public IPv4 address": 1},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda inputs: {
        "interface endpoint, a zone": len(inputs.get("subnetIds", ()))
    },
    "kubernetes:networking.k8s.io/v1:Ingress": lambda inputs: {
        "load balancer": 1,
        "public IPv4 address": len(inputs["metadata"]["annotations"][_SUBNETS].split(",")),
    },
    "aws:rds/proxy:Proxy": lambda _: {"proxy, a vCPU": 2},
    "aws:kms/key:Key": lambda _: {"KMS key": 1},
    "aws:secretsmanager/secret:Secret": lambda _: {"secret": 1},
    "aws:wafv2/webAcl:WebAcl": lambda inputs: {
        "web ACL": 1,
        "rule of a web ACL": len(inputs["rules"]),
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda inputs: {
        "metric of an alarm": sum("metric" in query for query in inputs["metricQueries"])
    },
    "aws:kinesis/stream:Stream": lambda inputs: {"shard of the stream": inputs["shardCount"]},
}


@dataclass(frozen=True)
class Line:
    """One line of the estimate: `count` of `what`, together `usd` a month."""

    what: str
    count: float
    usd: float


def estimate(resources: Iterable[Made]) -> list[Line]:
    """Lines of what runs all the time, the dearest first."""
    made = list(resources)
    counts: defaultdict[str, float] = defaultdict(float)
    for each in made:
        for what, count in _counted(each, made).items():
            counts[what] += count
    lines = [Line(what, n, n * price_of(what).monthly) for what, n in counts.items() if n]
    return sorted(lines, key=lambda line: (-line.usd, line.what))


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)


def price_of(what: str) -> Price:
    """Of one line's `what`; the usual one of its kind for a type that the table lacks."""
    return PRICES.get(what) or PRICES[_USUAL[what.partition(",")[0]]]


def _counted(each: Made, made: Sequence[Made]) -> Mapping[str, float]:
    inputs = each.inputs
    if each.type == "aws:eks/nodeGroup:NodeGroup":
        # Its launch template, which knows the disk, is called like it.
        (template,) = (t.inputs for t in _of(made, _TEMPLATE) if t.name == each.name)
        nodes = inputs["scalingConfig"]["desiredSize"]
        gib = template["blockDeviceMappings"][0]["ebs"]["volumeSize"]
        return {f"node, {inputs['instanceTypes'][0]}": nodes, "disk of nodes, GiB": nodes * gib}
    if each.type == "aws:rds/instance:Instance":
        servers = 2 if inputs.get("multiAz") else 1
        return {
            f"database, {inputs['instanceClass']}": servers,
            "disk of the database, GiB": servers * inputs.get("allocatedStorage", 0),
        }
    if each.type == "aws:rds/clusterInstance:ClusterInstance":
        (cluster,) = (c.inputs for c in _of(made, "aws:rds/cluster:Cluster"))
        return {"Aurora capacity unit": cluster["serverlessv2ScalingConfiguration"]["minCapacity"]}
    count = _COUNTED.get(each.type)
    return count(inputs) if count else {}


def _of(made: Sequence[Made], type_: str) -> Iterator[Made]:
    return (each for each in made if each.type == type_)
