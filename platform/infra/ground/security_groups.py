"""Security groups, and the rules that let one group speak TCP to another."""

import pulumi
import pulumi_aws as aws

from infra.names import Names


def security_group(
    name: str,
    names: Names,
    what: str,
    *,
    about: str,
    vpc_id: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> aws.ec2.SecurityGroup:
    """A group called `what` that lets nothing through yet."""
    called = names.of(what)
    return aws.ec2.SecurityGroup(
        name, name=called, description=about, vpc_id=vpc_id, tags={"Name": called}, opts=opts
    )


def let_in(
    name: str,
    group: pulumi.Input[str],
    port: int,
    *,
    about: str,
    client: pulumi.Input[str] | None = None,
    cidr: str | None = None,
    opts: pulumi.ResourceOptions,
) -> None:
    """`group` answers to another group, or to a network, at one port."""
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group,
        description=about,
        referenced_security_group_id=client,
        cidr_ipv4=cidr,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )


def let_out(
    name: str,
    group: pulumi.Input[str],
    port: int,
    *,
    about: str,
    server: pulumi.Input[str] | None = None,
    cidr: str | None = None,
    opts: pulumi.ResourceOptions,
) -> None:
    """`group` asks another group, or a network, at one port."""
    aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group,
        description=about,
        referenced_security_group_id=server,
        cidr_ipv4=cidr,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        opts=opts,
    )
