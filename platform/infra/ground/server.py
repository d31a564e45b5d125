"""What a PostgreSQL server is to the rest, whether RDS runs it or Aurora."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.ground.login_secret import LoginSecret
from infra.names import DATABASE, Names
from infra.trust import service_trust

PORT = 5432
NAME = "spool"
OWNER = "spool_owner"
MAINTENANCE_WINDOW = "sun:04:30-sun:05:30"
BACKUP_WINDOW = "03:00-04:00"
# PostgreSQL's own settings, those of the app's transactions aside, which the app sets itself.
PARAMETERS = {
    # Whoever does not speak TLS is refused.
    "rds.force_ssl": "1",
    # Statements that take longer are logged, without the values that they were given.
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "1",
}
# Its roots are what the images trust: app/foundation/db/aws_roots.pem.
_AUTHORITY = "rds-ca-rsa2048-g1"
_INSIGHTS_DAYS = 7
_MONITORING_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class ServerSpec:
    """What a stack may choose about its server.

    Args:
        version: Major version of PostgreSQL; AWS keeps the minor one up to date.
        instance_class: Of RDS.
        storage_gib, storage_max_gib: Of RDS: gp3, at first and after it has grown.
        min_acu, max_acu: Of Aurora: capacity of each instance, about 2 GiB of memory a unit.
        multi_az: Another zone takes over when the writer's is gone.
        replicas: Readers beside the writer.
        backup_days: One can go back to any second of these.
        monitoring: A look at the operating system each minute.
        protect: Resists deletion, and leaves a last snapshot.
        subnet_ids: Isolated ones.
        database_key, secrets_key, logs_key: ARNs; AWS' own keys where they are None.
    """

    names: Names
    version: str
    instance_class: str
    storage_gib: int
    storage_max_gib: int
    min_acu: float
    max_acu: float
    multi_az: bool
    replicas: int
    backup_days: int
    monitoring: bool
    protect: bool
    log_retention_days: int
    subnet_ids: list[pulumi.Output[str]]
    database_key: pulumi.Input[str] | None = None
    secrets_key: pulumi.Input[str] | None = None
    logs_key: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class ServerArgs:
    """What both kinds of server take.

    Args:
        owner: Secret of the login that owns the database; RDS makes and keeps one where it is
            None.
    """

    spec: ServerSpec
    owner: LoginSecret | None
    security_group_id: pulumi.Input[str]


class Server(Component):
    """A PostgreSQL server.

    Attributes:
        identifier: Of the instance, or of the cluster.
        instance_identifiers: Of everything that has a CPU.
        arn: Of what is backed up.
        host, reader_host: Addresses; the same where nothing but the writer reads.
        owner_secret_arn: Where the owner's password is.
    """

    identifier: pulumi.Output[str]
    instance_identifiers: list[pulumi.Output[str]]
    arn: pulumi.Output[str]
    host: pulumi.Output[str]
    reader_host: pulumi.Output[str]
    owner_secret_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._args, self._spec = name, args, args.spec
        self._identifier = args.spec.names.of("db", longest=DATABASE)
        self._subnets = aws.rds.SubnetGroup(
            name,
            name=self._identifier,
            description="Isolated subnets, one a zone",
            subnet_ids=args.spec.subnet_ids,
            opts=self.child(),
        )
        self._monitoring_role = self._monitored_by() if args.spec.monitoring else None
        self._make()
        self.register_outputs(
            {"identifier": self.identifier, "host": self.host, "reader_host": self.reader_host}
        )

    def _make(self) -> None:
        """The server itself, and the attributes that come of it."""
        raise NotImplementedError

    def _kept(self) -> dict[str, Any]:
        """Arguments of what holds the data, be it an instance or a cluster."""
        spec, managed = self._spec, self._args.owner is None
        return {
            "engine_version": spec.version,
            "port": PORT,
            # Beside a password the provider refuses even a `false`.
            "manage_master_user_password": True if managed else None,
            "master_user_secret_kms_key_id": spec.secrets_key if managed else None,
            "storage_encrypted": True,
            "kms_key_id": spec.database_key,
            "db_subnet_group_name": self._subnets.name,
            "vpc_security_group_ids": [self._args.security_group_id],
            "backup_retention_period": spec.backup_days,
            "delete_automated_backups": not spec.protect,
            "deletion_protection": spec.protect,
            "skip_final_snapshot": not spec.protect,
            "final_snapshot_identifier": f"{self._identifier}-final" if spec.protect else None,
            # A protected server changes in its window; for another one nobody wants to wait.
            "apply_immediately": not spec.protect,
        }

    def _instance(self) -> dict[str, Any]:
        """Arguments of every instance of either kind: whom it answers, what is seen of it."""
        role = self._monitoring_role
        return {
            "publicly_accessible": False,
            "ca_cert_identifier": _AUTHORITY,
            "auto_minor_version_upgrade": True,
            "copy_tags_to_snapshot": True,
            "monitoring_interval": _MONITORING_SECONDS if role else 0,
            "monitoring_role_arn": role.arn if role else None,
            "performance_insights_enabled": True,
            "performance_insights_kms_key_id": self._spec.database_key,
            "performance_insights_retention_period": _INSIGHTS_DAYS,
        }

    def _owner_secret(self, kept_by_rds: pulumi.Output[Any]) -> pulumi.Output[str]:
        owner = self._args.owner
        return owner.arn if owner else kept_by_rds.apply(lambda kept: str(kept[0].secret_arn))

    def _log_group(self, name: str, path: str) -> aws.cloudwatch.LogGroup:
        """Made before the server, which would make one that keeps everything forever."""
        return aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/rds/{path}",
            retention_in_days=self._spec.log_retention_days,
            kms_key_id=self._spec.logs_key,
            opts=self.child(),
        )

    def _monitored_by(self) -> aws.iam.Role:
        role = aws.iam.Role(
            f"{self._name}-monitoring",
            name=self._spec.names.of("db-monitoring"),
            assume_role_policy=service_trust("monitoring.rds"),
            opts=self.child(),
        )
        policy = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        aws.iam.RolePolicyAttachment(
            f"{self._name}-monitoring", role=role.name, policy_arn=policy, opts=self.child()
        )
        return role
