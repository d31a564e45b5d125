"""PostgreSQL by RDS: an instance, a standby in another zone, replicas."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.ground.server import (
    AUTHORITY,
    BACKUP_WINDOW,
    MAINTENANCE_WINDOW,
    PARAMETERS,
    PORT,
    Server,
    ServerArgs,
)

_LOGS = ("postgresql", "upgrade")


@dataclass(frozen=True)
class RdsArgs:
    """What `Rds` takes.

    Args:
        storage_gib, storage_max_gib: Of gp3, at first and after it has grown.
    """

    server: ServerArgs
    instance_class: str
    storage_gib: int
    storage_max_gib: int


class Rds(Server):
    """An instance and its replicas."""

    KIND = "ground:Rds"

    def __init__(
        self, name: str, args: RdsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.server, opts)
        server = args.server
        family = f"postgres{server.version}"
        self._instance_class = args.instance_class
        self._parameters = aws.rds.ParameterGroup(
            name,
            name=server.names.of(f"db-{family}"),
            family=family,
            parameters=[
                aws.rds.ParameterGroupParameterArgs(name=key, value=value)
                for key, value in PARAMETERS.items()
            ],
            opts=self.child(),
        )
        managed = server.owner_password is None
        writer = aws.rds.Instance(
            name,
            identifier=self._identifier,
            engine="postgres",
            engine_version=server.version,
            instance_class=args.instance_class,
            multi_az=server.multi_az,
            db_name=server.database_name,
            port=PORT,
            username=server.owner,
            manage_master_user_password=True if managed else None,
            master_user_secret_kms_key_id=server.secrets_key if managed else None,
            password=server.owner_password,
            allocated_storage=args.storage_gib,
            max_allocated_storage=args.storage_max_gib,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=server.database_key,
            db_subnet_group_name=self._subnets.name,
            vpc_security_group_ids=[server.security_group_id],
            publicly_accessible=False,
            parameter_group_name=self._parameters.name,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            ca_cert_identifier=AUTHORITY,
            auto_minor_version_upgrade=True,
            backup_retention_period=server.backup_days,
            backup_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not server.protect,
            deletion_protection=server.protect,
            skip_final_snapshot=not server.protect,
            final_snapshot_identifier=self.final_snapshot,
            # What protects waits for the window; elsewhere nobody wants to.
            apply_immediately=not server.protect,
            opts=self.child(
                protect=server.protect,
                # A rotation has set another one since.
                ignore_changes=["password"],
                depends_on=self._logs(name, self._identifier),
            ),
            **self._watched(),
        )
        readers = [self._replica(number, writer) for number in range(1, server.replicas + 1)]
        self.identifier = writer.identifier
        self.instance_identifiers = [each.identifier for each in (writer, *readers)]
        self.arn = writer.arn
        self.host = writer.address
        self.reader_host = readers[0].address if readers else writer.address
        self.owner_secret_arn = (
            writer.master_user_secrets.apply(lambda kept: str(kept[0].secret_arn))
            if managed
            else None
        )
        self.declare()

    def _replica(self, number: int, writer: aws.rds.Instance) -> aws.rds.Instance:
        identifier = f"{self._identifier}-{number}"
        return aws.rds.Instance(
            f"{self._name}-{number}",
            identifier=identifier,
            replicate_source_db=writer.identifier,
            instance_class=self._instance_class,
            vpc_security_group_ids=[self._args.security_group_id],
            publicly_accessible=False,
            parameter_group_name=self._parameters.name,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            ca_cert_identifier=AUTHORITY,
            auto_minor_version_upgrade=True,
            maintenance_window=MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            # It holds nothing that the writer does not.
            skip_final_snapshot=True,
            storage_encrypted=True,
            kms_key_id=self._args.database_key,
            opts=self.child(depends_on=self._logs(f"{self._name}-{number}", identifier)),
            **self._watched(),
        )

    def _logs(self, name: str, identifier: str) -> list[pulumi.Resource]:
        return [self.log_group(f"{name}-{kind}", f"instance/{identifier}/{kind}") for kind in _LOGS]
