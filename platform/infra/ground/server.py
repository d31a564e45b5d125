"""What a PostgreSQL server is to the rest, whether RDS runs it or Aurora."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.component import Component
from infra.names import DATABASE, Names
from infra.trust import service_trust

PORT = 5432
# Its roots are what the images trust: app/foundation/db/aws_roots.pem.
AUTHORITY = "rds-ca-rsa2048-g1"
BACKUP_WINDOW = "03:00-04:00"
MAINTENANCE_WINDOW = "sun:04:30-sun:05:30"
_INSIGHTS_DAYS = 7
_MONITORING_SECONDS = 60


@dataclass(frozen=True)
class ServerArgs:
    """What both kinds of server take.

    Args:
        version: Major version of PostgreSQL; AWS keeps the minor one up to date.
        multi_az: Another zone takes over when the writer's is gone.
        replicas: Readers beside the writer.
        backup_days: One can go back to any second of these.
        owner: Login that owns the database.
        owner_password: RDS makes and keeps one where it is None.
        monitoring: A look at the operating system each minute.
        protect: Resists deletion, and leaves a last snapshot.
        database_key, secrets_key, logs_key: ARNs; AWS' own keys where they are None.
    """

    names: Names
    version: str
    database_name: str
    multi_az: bool
    replicas: int
    backup_days: int
    owner: str
    owner_password: pulumi.Input[str] | None
    subnet_ids: list[pulumi.Output[str]]
    security_group_id: pulumi.Input[str]
    log_retention_days: int
    monitoring: bool
    protect: bool
    database_key: pulumi.Input[str] | None
    secrets_key: pulumi.Input[str] | None
    logs_key: pulumi.Input[str] | None


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


class Server(Component):
    """A PostgreSQL server.

    Attributes:
        identifier: Of the instance, or of the cluster.
        instance_identifiers: Of everything that has a CPU.
        arn: Of what is backed up.
        host, reader_host: Addresses; the same where nothing but the writer reads.
        owner_secret_arn: Where RDS keeps the owner's password; None where it was given one.
    """

    identifier: pulumi.Output[str]
    instance_identifiers: list[pulumi.Output[str]]
    arn: pulumi.Output[str]
    host: pulumi.Output[str]
    reader_host: pulumi.Output[str]
    owner_secret_arn: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._name, self._args = name, args
        self._identifier = args.names.of("db", longest=DATABASE)
        self._subnets = aws.rds.SubnetGroup(
            name,
            name=self._identifier,
            description="Isolated subnets, one a zone",
            subnet_ids=args.subnet_ids,
            opts=self.child(),
        )
        self._monitoring_role = self._monitored_by() if args.monitoring else None

    @property
    def final_snapshot(self) -> str | None:
        """Name of the last snapshot; None where nothing is to be left."""
        return f"{self._identifier}-final" if self._args.protect else None

    def declare(self) -> None:
        """Registers the outputs that both kinds have."""
        self.register_outputs(
            {"identifier": self.identifier, "host": self.host, "reader_host": self.reader_host}
        )

    def _watched(self) -> dict[str, Any]:
        """Arguments of every instance of either kind: its operating system, its statements."""
        role = self._monitoring_role
        return {
            "monitoring_interval": _MONITORING_SECONDS if role else 0,
            "monitoring_role_arn": role.arn if role else None,
            "performance_insights_enabled": True,
            "performance_insights_kms_key_id": self._args.database_key,
            "performance_insights_retention_period": _INSIGHTS_DAYS,
        }

    def log_group(self, name: str, path: str) -> aws.cloudwatch.LogGroup:
        """Made before the server, which would make one that keeps everything forever."""
        return aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/rds/{path}",
            retention_in_days=self._args.log_retention_days,
            kms_key_id=self._args.logs_key,
            opts=self.child(),
        )

    def _monitored_by(self) -> aws.iam.Role:
        role = aws.iam.Role(
            f"{self._name}-monitoring",
            name=self._args.names.of("db-monitoring"),
            assume_role_policy=service_trust("monitoring.rds"),
            opts=self.child(),
        )
        policy = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
        aws.iam.RolePolicyAttachment(
            f"{self._name}-monitoring", role=role.name, policy_arn=policy, opts=self.child()
        )
        return role
