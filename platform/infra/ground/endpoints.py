"""How private subnets reach AWS' services without the internet."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.ground.security_groups import let_in, security_group
from infra.names import Names

# What nodes and workloads call. S3 is a gateway's, which costs nothing.
INTERFACES = (
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms",
    "logs", "monitoring", "secretsmanager", "sns", "sqs", "sts", "xray",
)  # fmt: skip


@dataclass(frozen=True)
class EndpointsArgs:
    """What `Endpoints` takes.

    Args:
        cidr: Who may use interface endpoints: the VPC.
        interface: Interface endpoints too, each by zone and hour.
        kinesis: One for data streams among them.
    """

    names: Names
    region: str
    vpc_id: pulumi.Input[str]
    cidr: str
    private_subnet_ids: Sequence[pulumi.Input[str]]
    private_route_table_ids: Sequence[pulumi.Input[str]]
    interface: bool
    kinesis: bool = False


class Endpoints(Component):
    """A gateway for S3, always, and an interface per service where wanted."""

    KIND = "ground:Endpoints"

    def __init__(
        self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        # Media would otherwise pass the NAT gateway, which charges for every byte.
        aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=args.vpc_id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.private_route_table_ids),
            tags={"Name": args.names.of("s3")},
            opts=self.child(),
        )
        if args.interface:
            self._interfaces(name, args)
        self.register_outputs({})

    def _interfaces(self, name: str, args: EndpointsArgs) -> None:
        group = security_group(
            name,
            args.names,
            "endpoints",
            about="AWS services, from within the VPC",
            vpc_id=args.vpc_id,
            opts=self.child(),
        )
        let_in(name, group.id, 443, about="HTTPS from the VPC", cidr=args.cidr, opts=self.child())
        for service in (*INTERFACES, *(["kinesis-streams"] if args.kinesis else [])):
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=args.vpc_id,
                service_name=f"com.amazonaws.{args.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=list(args.private_subnet_ids),
                security_group_ids=[group.id],
                tags={"Name": args.names.of(service.replace(".", "-"))},
                opts=self.child(),
            )
