"""The VPC of each preset: routes, NAT, ACLs, flow logs, endpoints."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

import pulumi
import pytest

from infra.config.settings import Settings
from infra.ground.endpoints import Endpoints, EndpointsArgs
from infra.ground.network import Network, NetworkArgs
from infra.ground.subnets import plan_subnets, zones_of
from infra.names import Names
from tests.infra.programs import minimal
from tests.infra.recorder import Recorded, Recording, record

_ACL = "aws:ec2/networkAcl:NetworkAcl"
_ROUTE = "aws:ec2/route:Route"
_NAT = "aws:ec2/natGateway:NatGateway"


def _network(
    preset: str = "dev", *, preview: bool = False, key: str | None = None, **values: str
) -> Recording:
    settings = Settings.of("spool", preset, {**minimal(preset), **values})
    chosen, region = settings.network, settings.general.region
    names = Names("spool", preset)

    def program() -> None:
        network = Network(
            "network",
            NetworkArgs(
                names=names,
                plan=plan_subnets(chosen.vpc_cidr, chosen.zones),
                zone_names=zones_of(region, chosen.zones, chosen.zone_names),
                nat_gateways=chosen.nat_gateways,
                flow_logs=chosen.flow_logs,
                log_retention_days=settings.application.log_retention_days,
                logs_key=key,
                cluster_name=f"spool-{preset}",
            ),
        )
        Endpoints(
            "endpoints",
            EndpointsArgs(
                names=names,
                region=region,
                vpc_id=network.vpc_id,
                cidr=network.cidr,
                private_subnet_ids=network.private_subnet_ids,
                private_route_table_ids=network.private_route_table_ids,
                interface=chosen.interface_endpoints,
                kinesis=settings.state.kinesis,
            ),
        )
        pulumi.export("private", network.private_subnet_ids)
        pulumi.export("database", network.database_subnet_ids)

    return record(program, stack=preset, preview=preview)


@pytest.mark.parametrize(
    ("preset", "zones", "gateways", "interfaces", "flow_logs"),
    [("dev", 2, 1, 0, 0), ("staging", 3, 1, 0, 1), ("prod", 3, 3, 15, 1)],
)
def test_presets(preset: str, zones: int, gateways: int, interfaces: int, flow_logs: int) -> None:
    recording = _network(preset)
    assert len(recording.of_type("aws:ec2/subnet:Subnet")) == 3 * zones
    assert len(recording.of_type(_NAT)) == len(recording.of_type("aws:ec2/eip:Eip")) == gateways
    kinds = [
        each.inputs["vpcEndpointType"]
        for each in recording.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    ]
    assert (kinds.count("Gateway"), kinds.count("Interface")) == (1, interfaces)
    assert len(recording.of_type("aws:ec2/flowLog:FlowLog")) == flow_logs
    assert len(recording.outputs["private"]) == len(recording.outputs["database"]) == zones


@pytest.mark.parametrize(("nat", "gateways"), [("one", (1, 1, 1)), ("per-zone", (1, 2, 3))])
def test_private_subnets_leave_by_their_own_gateway(nat: str, gateways: tuple[int, ...]) -> None:
    recording = _network("prod", natGateways=nat)
    for zone, gateway in enumerate(gateways, 1):
        route = recording.one(_ROUTE, f"network-private-{zone}")
        assert route.inputs["natGatewayId"] == f"network-nat-{gateway}-NatGateway"


def test_without_nat_no_private_route_leads_out() -> None:
    recording = _network("dev", natGateways="none", interfaceEndpoints="true")
    assert [each.name for each in recording.of_type(_ROUTE)] == ["network-public"]
    assert recording.of_type(_NAT) == []


def test_no_route_leads_out_of_the_databases_subnets() -> None:
    recording = _network("prod")
    table = recording.one("aws:ec2/routeTable:RouteTable", "network-database-1")
    assert "routes" not in table.inputs
    assert {each.inputs["routeTableId"] for each in recording.of_type(_ROUTE)} == {
        "network-public-1-RouteTable",
        *(f"network-private-{zone}-RouteTable" for zone in (1, 2, 3)),
    }


def test_a_subnets_id_waits_for_its_routes() -> None:
    recording = _network("dev")
    association = recording.one(
        "aws:ec2/routeTableAssociation:RouteTableAssociation", "network-private-2"
    )
    routes = [recording.one(_ROUTE, f"network-private-{zone}").urn for zone in (1, 2)]
    assert set(routes) <= set(association.depends_on)


def test_subnets_are_found_by_load_balancers() -> None:
    recording = _network("dev")
    tags = {each.name: each.inputs["tags"] for each in recording.of_type("aws:ec2/subnet:Subnet")}
    assert tags["network-public-1"]["kubernetes.io/role/elb"] == "1"
    assert tags["network-private-1"]["kubernetes.io/role/internal-elb"] == "1"
    assert not any(tag.startswith("kubernetes.io") for tag in tags["network-database-1"])


def _lets(
    acl: Recorded, direction: Literal["ingress", "egress"], address: str, port: int, protocol: str
) -> bool:
    def covers(rule: dict[str, Any]) -> bool:
        return IPv4Address(address) in IPv4Network(rule["cidrBlock"]) and (
            rule["protocol"] == "-1"
            or (rule["protocol"] == protocol and rule["fromPort"] <= port <= rule["toPort"])
        )

    return any(covers(rule) for rule in acl.inputs[direction])


@pytest.mark.parametrize(
    ("row", "direction", "address", "port", "lets"),
    [
        ("public", "ingress", "8.8.8.8", 443, True),
        ("public", "ingress", "8.8.8.8", 22, False),
        ("public", "ingress", "10.0.1.9", 22, True),
        ("private", "ingress", "8.8.8.8", 443, False),
        ("private", "ingress", "8.8.8.8", 50000, True),
        ("private", "egress", "8.8.8.8", 443, True),
        ("database", "ingress", "10.0.1.9", 5432, True),
        ("database", "ingress", "10.0.1.9", 22, False),
        ("database", "ingress", "10.0.101.9", 5432, False),
        ("database", "ingress", "10.0.202.9", 40000, True),
        ("database", "egress", "10.0.1.9", 40000, True),
        ("database", "egress", "10.0.202.9", 5432, True),
        ("database", "egress", "8.8.8.8", 443, False),
    ],
)
def test_access_lists(
    row: str, direction: Literal["ingress", "egress"], address: str, port: int, lets: bool
) -> None:
    acl = _network("prod").one(_ACL, f"network-{row}")
    assert _lets(acl, direction, address, port, "tcp") is lets


def test_flow_logs_are_kept_as_long_as_the_stack_says() -> None:
    recording = _network("prod", key="arn:aws:kms:us-east-1:123456789012:key/logs")
    group = recording.one("aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["name"] == "/spool/prod/vpc/flow"
    assert group.inputs["retentionInDays"] == 90
    assert group.inputs["kmsKeyId"].endswith("key/logs")


def test_the_default_security_group_lets_nothing_through() -> None:
    group = _network().one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs


def test_a_stream_has_an_endpoint_where_it_is_read() -> None:
    recording = _network("prod", kinesis="true", kinesisProjectId="prj_1")
    names = {
        each.inputs["serviceName"] for each in recording.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    }
    assert "com.amazonaws.us-east-1.kinesis-streams" in names


def test_a_preview_knows_how_many() -> None:
    recording = _network("prod", preview=True)
    assert len(recording.outputs["private"]) == 3
    assert len(recording.resources) == len(_network("prod").resources)
