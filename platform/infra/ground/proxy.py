"""RDS Proxy: connections that outlive a failover, in front of the writer."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Statement, key_use
from infra.ground.service_role import service_role
from infra.names import DATABASE, Names
from infra.trust import service_trust


@dataclass(frozen=True)
class ProxyArgs:
    """What `Proxy` takes.

    Args:
        server: Identifier of the instance, or of the cluster where `is_cluster`.
        login_secrets: ARNs of the secrets of those who connect by it.
        secrets_key: ARN of the secrets' key; AWS' own where it is None.
        security_group_id: Of the proxy itself.
    """

    names: Names
    server: pulumi.Input[str]
    is_cluster: bool
    login_secrets: Sequence[pulumi.Input[str]]
    secrets_key: pulumi.Input[str] | None
    security_group_id: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]


class Proxy(Component):
    """A proxy that speaks TLS on both sides.

    Attributes:
        host: What clients connect to; known when there is a database behind it.
    """

    KIND = "ground:Proxy"

    def __init__(
        self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        read = Statement(["secretsmanager:GetSecretValue"], args.login_secrets)
        role, ready = service_role(
            name,
            service_trust("rds"),
            physical_name=args.names.of("db-proxy"),
            may=[read, *key_use(args.secrets_key, "kms:Decrypt")],
            opts=self.child(),
        )
        proxy = aws.rds.Proxy(
            name,
            name=args.names.of("db-proxy", longest=DATABASE),
            engine_family="POSTGRESQL",
            require_tls=True,
            role_arn=role.arn,
            auths=[
                aws.rds.ProxyAuthArgs(
                    auth_scheme="SECRETS",
                    iam_auth="DISABLED",
                    client_password_auth_type="POSTGRES_SCRAM_SHA_256",  # noqa: S106  # how, not which
                    secret_arn=secret,
                )
                for secret in args.login_secrets
            ],
            vpc_subnet_ids=args.subnet_ids,
            vpc_security_group_ids=[args.security_group_id],
            opts=self.child(depends_on=ready),
        )
        group = aws.rds.ProxyDefaultTargetGroup(
            name,
            db_proxy_name=proxy.name,
            connection_pool_config=aws.rds.ProxyDefaultTargetGroupConnectionPoolConfigArgs(
                # The rest is for migrations and for who comes without it.
                max_connections_percent=90,
                connection_borrow_timeout=10,
            ),
            opts=self.child(),
        )
        target = aws.rds.ProxyTarget(
            name,
            db_proxy_name=proxy.name,
            target_group_name=group.name,
            db_cluster_identifier=args.server if args.is_cluster else None,
            db_instance_identifier=None if args.is_cluster else args.server,
            opts=self.child(),
        )
        self.host: pulumi.Output[str] = pulumi.Output.all(proxy.endpoint, target.id).apply(
            lambda known: str(known[0])
        )
        self.register_outputs({"host": self.host})
