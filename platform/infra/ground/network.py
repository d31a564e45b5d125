"""The VPC: public, private and isolated subnets in every zone, and what may pass between them.

Public ones hold load balancers and NAT gateways, private ones nodes and pods, isolated ones the
database, which no route leads out of. Who takes the id of a subnet waits until its routes stand,
and is gone before they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.ground.flow_logs import FlowLogs, FlowLogsArgs
from infra.ground.network_acls import Rules, database_rules, private_rules, public_rules
from infra.ground.subnets import SubnetPlan
from infra.names import Names

_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class NetworkArgs:
    """What `Network` takes.

    Args:
        zone_names: As many as the plan has subnets in a row.
        nat_gateways: `none` leaves the private subnets to `Endpoints`.
        logs_key: ARN of the key of log groups; AWS' own where it is None.
        cluster_name: Whose load balancers the subnets are for.
    """

    names: Names
    plan: SubnetPlan
    zone_names: Sequence[str]
    nat_gateways: Literal["none", "one", "per-zone"]
    flow_logs: bool
    log_retention_days: int
    logs_key: pulumi.Input[str] | None
    cluster_name: str


@dataclass
class _Row:
    """Subnets of one kind, one a zone, and how each reaches further."""

    subnets: list[aws.ec2.Subnet] = field(default_factory=list)
    tables: list[aws.ec2.RouteTable] = field(default_factory=list)
    ids: list[pulumi.Output[str]] = field(default_factory=list)


class Network(Component):
    """A VPC.

    Attributes:
        vpc_id, cidr: The VPC.
        public_subnet_ids, private_subnet_ids, database_subnet_ids: One a zone; known when the
            subnet's routes are.
        private_route_table_ids: Where gateway endpoints belong.
    """

    KIND = "ground:Network"

    vpc_id: pulumi.Output[str]
    cidr: str
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    database_subnet_ids: list[pulumi.Output[str]]
    private_route_table_ids: list[pulumi.Output[str]]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._args, plan = name, args, args.plan
        self.cidr = plan.vpc
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=plan.vpc,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": args.names.of("vpc")},
            opts=self.child(),
        )
        self.vpc_id = vpc.id
        # Every VPC has one, and whoever names no group gets it: it lets nothing through.
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, opts=self.child())
        internet = aws.ec2.InternetGateway(
            name, vpc_id=vpc.id, tags={"Name": args.names.of("internet")}, opts=self.child()
        )

        owned = {f"kubernetes.io/cluster/{args.cluster_name}": "shared"}
        public = self._row("public", plan.public, 1, owned | {"kubernetes.io/role/elb": "1"})
        out = [
            aws.ec2.Route(
                f"{name}-public",
                route_table_id=public.tables[0].id,
                destination_cidr_block=_ANYWHERE,
                gateway_id=internet.id,
                opts=self.child(),
            )
        ]
        self._associate("public", public, out)

        internal = owned | {"kubernetes.io/role/internal-elb": "1"}
        private = self._row("private", plan.private, len(plan.private), internal)
        self._associate("private", private, self._nat(public, private))

        # One table for all of them: it has no route but the VPC's own.
        database = self._row("database", plan.database, 1, {})
        self._associate("database", database, [])

        self._guard("public", public, public_rules(plan))
        self._guard("private", private, private_rules(plan))
        self._guard("database", database, database_rules(plan))
        if args.flow_logs:
            FlowLogs(
                f"{name}-flow",
                FlowLogsArgs(args.names, vpc.id, args.log_retention_days, args.logs_key),
                self.child(),
            )

        self.public_subnet_ids = public.ids
        self.private_subnet_ids = private.ids
        self.database_subnet_ids = database.ids
        self.private_route_table_ids = [table.id for table in private.tables]
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "public_subnet_ids": self.public_subnet_ids,
                "private_subnet_ids": self.private_subnet_ids,
                "database_subnet_ids": self.database_subnet_ids,
            }
        )

    def _row(self, kind: str, networks: Sequence[str], tables: int, tags: dict[str, str]) -> _Row:
        row = _Row()
        for number, (cidr, zone) in enumerate(zip(networks, self._args.zone_names, strict=True), 1):
            row.subnets.append(
                aws.ec2.Subnet(
                    f"{self._name}-{kind}-{number}",
                    vpc_id=self.vpc_id,
                    cidr_block=cidr,
                    availability_zone=zone,
                    # Load balancers and NAT gateways bring their own addresses.
                    map_public_ip_on_launch=False,
                    tags={"Name": self._args.names.of(f"{kind}-{number}"), **tags},
                    opts=self.child(),
                )
            )
        for number in range(1, tables + 1):
            row.tables.append(
                aws.ec2.RouteTable(
                    f"{self._name}-{kind}-{number}",
                    vpc_id=self.vpc_id,
                    tags={"Name": self._args.names.of(f"{kind}-{number}")},
                    opts=self.child(),
                )
            )
        return row

    def _associate(self, kind: str, row: _Row, routes: Sequence[aws.ec2.Route]) -> None:
        """The subnets' ids come from here, so that whoever uses one has its routes."""
        for number, subnet in enumerate(row.subnets, 1):
            association = aws.ec2.RouteTableAssociation(
                f"{self._name}-{kind}-{number}",
                subnet_id=subnet.id,
                route_table_id=row.tables[(number - 1) % len(row.tables)].id,
                opts=self.child(depends_on=routes),
            )
            row.ids.append(association.subnet_id.apply(str))

    def _nat(self, public: _Row, private: _Row) -> list[aws.ec2.Route]:
        """A way out for each private table, by the gateway of its zone or by the only one."""
        wanted = {"none": 0, "one": 1, "per-zone": len(public.subnets)}[self._args.nat_gateways]
        gateways = []
        for number in range(1, wanted + 1):
            tags = {"Name": self._args.names.of(f"nat-{number}")}
            address = aws.ec2.Eip(
                f"{self._name}-nat-{number}", domain="vpc", tags=tags, opts=self.child()
            )
            gateways.append(
                aws.ec2.NatGateway(
                    f"{self._name}-nat-{number}",
                    allocation_id=address.id,
                    # By the association, because the gateway itself has to reach the internet.
                    subnet_id=public.ids[number - 1],
                    tags=tags,
                    opts=self.child(),
                )
            )
        return [
            aws.ec2.Route(
                f"{self._name}-private-{number}",
                route_table_id=table.id,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=gateways[(number - 1) % len(gateways)].id,
                opts=self.child(),
            )
            for number, table in enumerate(private.tables, 1)
            if gateways
        ]

    def _guard(self, kind: str, row: _Row, rules: Rules) -> None:
        aws.ec2.NetworkAcl(
            f"{self._name}-{kind}",
            vpc_id=self.vpc_id,
            subnet_ids=[subnet.id for subnet in row.subnets],
            ingress=[
                aws.ec2.NetworkAclIngressArgs(
                    rule_no=number,
                    action="allow",
                    protocol=rule.protocol,
                    cidr_block=rule.network,
                    from_port=rule.first,
                    to_port=rule.last,
                    icmp_type=rule.icmp_type,
                    icmp_code=rule.icmp_code,
                )
                for number, rule in rules.numbered(rules.inward)
            ],
            egress=[
                aws.ec2.NetworkAclEgressArgs(
                    rule_no=number,
                    action="allow",
                    protocol=rule.protocol,
                    cidr_block=rule.network,
                    from_port=rule.first,
                    to_port=rule.last,
                )
                for number, rule in rules.numbered(rules.outward)
            ],
            tags={"Name": self._args.names.of(kind)},
            opts=self.child(),
        )
