"""The database: a PostgreSQL server, who may reach it, and the logins it is entered by.

Two logins. `spool_owner` owns the tables and is for migrations, which make `spool_login`; that one
is the app's, owns nothing, and is rotated between itself and a twin (see `rotation/handler.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.grants import Grant, SecretValue
from infra.ground.aurora import Aurora
from infra.ground.login_secret import LoginSecret, LoginSecretArgs
from infra.ground.proxy import Proxy, ProxyArgs
from infra.ground.rds import Rds
from infra.ground.rotation_function import Rotation, RotationArgs
from infra.ground.security_groups import let_in, let_out, security_group
from infra.ground.server import NAME, OWNER, PORT, Server, ServerArgs, ServerSpec

LOGIN = "spool_login"
TWIN = "spool_login_clone"
# Of a secret's fields and the server's address, as External Secrets fills it in. The driver checks
# the server's name and who signed its certificate.
_LOGIN = "{{{{ .username }}}}:{{{{ .password | urlquery }}}}"
_URL = f"postgresql+asyncpg://{_LOGIN}@{{}}:{{}}/{{}}?ssl=verify-full"


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs(ServerSpec):
    """What `Database` takes, beside what it asks of its server.

    Args:
        kind: What runs PostgreSQL.
        password: Who keeps the owner's: RDS itself, which rotates it, or a secret of ours.
        rotation_days: Between two rotations of what is ours to rotate; 0 for never, which leaves
            out the function.
        clients: Security groups that may connect, by a word for each.
        private_subnet_ids: For the function, which has to reach Secrets Manager.
    """

    kind: Literal["rds", "aurora"]
    password: Literal["managed", "secret"]
    rotation_days: int
    proxy: bool
    vpc_id: pulumi.Input[str]
    private_subnet_ids: list[pulumi.Output[str]]
    clients: Mapping[str, pulumi.Input[str]]


class Database(Component):
    """PostgreSQL, the same to everybody whatever runs it.

    Attributes:
        host, reader_host: Of the server itself.
        identifier, instance_identifiers, arn: For alarms and backups.
        security_group_id: Of the server.
        master_secret_arn: Secret of the owner.
        app_secret_arn: Secret of the app's login.
    """

    KIND = "ground:Database"

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._args = name, args
        group = self._security_group(f"{name}-server", "database", "PostgreSQL")
        self.security_group_id: pulumi.Output[str] = group.id
        self._let_in_clients(name, group)

        owner = self._secret("owner", OWNER) if args.password == "secret" else None  # noqa: S105  # who keeps it
        server = (Aurora if args.kind == "aurora" else Rds)(
            f"{name}-server", ServerArgs(args, owner, group.id), self.child()
        )
        self.identifier = server.identifier
        self.instance_identifiers = server.instance_identifiers
        self.arn = server.arn
        self.host = server.host
        self.reader_host = server.reader_host
        self.master_secret_arn = server.owner_secret_arn

        self._app = self._secret("app", LOGIN)
        self.app_secret_arn: pulumi.Output[str] = self._app.arn
        # A proxy knows a login by a secret of its own, and during a rotation there are two.
        known = (
            {
                LOGIN: self._secret("login", LOGIN, self._app.password, for_proxy=True),
                TWIN: self._secret("login-clone", TWIN, for_proxy=True),
            }
            if args.proxy
            else {}
        )
        login_secrets = {login: secret.arn for login, secret in known.items()}
        app_host = self._proxied(server, group, login_secrets) if args.proxy else self.host
        # One value, however many grants it is in: two are equal if their outputs are the same.
        self._app_url = SecretValue(
            self._app.name,
            self._app.arn,
            template=pulumi.Output.format(_URL, app_host, PORT, NAME),
        )
        if args.rotation_days:
            self._rotate(owner, login_secrets)
        self.register_outputs(
            {
                "host": self.host,
                "reader_host": self.reader_host,
                "security_group_id": self.security_group_id,
                "master_secret_arn": self.master_secret_arn,
            }
        )

    def app_grant(self) -> Grant:
        """To work as the app: by the proxy, if there is one."""
        return Grant(secrets={"SPOOL_DATABASE_URL": self._app_url})

    def migration_grant(self) -> Grant:
        """To change the schema, and to make the app's login with the password that is its own.

        The server itself is asked, which a proxy would know no owner of.
        """
        url = pulumi.Output.format(_URL, self.host, PORT, NAME)
        # RDS draws the name of the secret that it keeps; External Secrets takes ARNs for names.
        value = SecretValue(self.master_secret_arn, self.master_secret_arn, template=url)
        return self.app_grant() | Grant(secrets={"SPOOL_MIGRATION_DATABASE_URL": value})

    def _proxied(
        self,
        server: Server,
        around: aws.ec2.SecurityGroup,
        login_secrets: Mapping[str, pulumi.Output[str]],
    ) -> pulumi.Output[str]:
        args, name = self._args, f"{self._name}-proxy"
        group = self._security_group(name, "db-proxy", "RDS Proxy")
        self._let_in_clients(name, group)
        child = self.child()
        let_in(name, around.id, PORT, about="From the proxy", client=group.id, opts=child)
        let_out(name, group.id, PORT, about="To the server", server=around.id, opts=child)
        proxy = Proxy(
            name,
            ProxyArgs(
                names=args.names,
                server=server.identifier,
                is_cluster=args.kind == "aurora",
                login_secrets=list(login_secrets.values()),
                secrets_key=args.secrets_key,
                security_group_id=group.id,
                subnet_ids=args.subnet_ids,
            ),
            # With its instances, of which a cluster's identifier says nothing.
            self.child(depends_on=[server]),
        )
        return proxy.host

    def _rotate(
        self, owner: LoginSecret | None, login_secrets: Mapping[str, pulumi.Output[str]]
    ) -> None:
        args = self._args
        rotated = {"app": self._app.arn} | ({"owner": owner.arn} if owner else {})
        Rotation(
            f"{self._name}-rotation",
            RotationArgs(
                names=args.names,
                host=self.host,
                database_security_group_id=self.security_group_id,
                vpc_id=args.vpc_id,
                subnet_ids=args.private_subnet_ids,
                owner_secret_arn=self.master_secret_arn,
                rotated=rotated,
                login_secrets=login_secrets,
                secrets_key=args.secrets_key,
                days=args.rotation_days,
                log_retention_days=args.log_retention_days,
                logs_key=args.logs_key,
            ),
            self.child(),
        )

    def _secret(
        self,
        what: str,
        username: str,
        password: pulumi.Output[str] | None = None,
        *,
        for_proxy: bool = False,
    ) -> LoginSecret:
        args = self._args
        return LoginSecret(
            f"{self._name}-{what}",
            LoginSecretArgs(
                name=args.names.path("database", what),
                username=username,
                key=args.secrets_key,
                recoverable=args.protect,
                # A stack may do without its proxy again.
                protect=args.protect and not for_proxy,
                password=password,
            ),
            self.child(),
        )

    def _security_group(self, name: str, what: str, about: str) -> aws.ec2.SecurityGroup:
        args = self._args
        return security_group(
            name, args.names, what, about=about, vpc_id=args.vpc_id, opts=self.child()
        )

    def _let_in_clients(self, name: str, group: aws.ec2.SecurityGroup) -> None:
        for who, client in self._args.clients.items():
            let_in(
                f"{name}-{who}",
                group.id,
                PORT,
                about=f"From {who}",
                client=client,
                opts=self.child(),
            )
