"""PostgreSQL by RDS: an instance, a standby in another zone, replicas."""

import pulumi
import pulumi_aws as aws

from infra.ground.server import (
    BACKUP_WINDOW,
    MAINTENANCE_WINDOW,
    NAME,
    OWNER,
    PARAMETERS,
    Server,
)

_LOGS = ("postgresql", "upgrade")


class Rds(Server):
    """An instance and its replicas."""

    KIND = "ground:Rds"

    def _make(self) -> None:
        name, spec, owner = self._name, self._spec, self._args.owner
        family = f"postgres{spec.version}"
        self._parameters = aws.rds.ParameterGroup(
            name,
            name=spec.names.of(f"db-{family}"),
            family=family,
            parameters=[
                aws.rds.ParameterGroupParameterArgs(name=key, value=value)
                for key, value in PARAMETERS.items()
            ],
            opts=self.child(),
        )
        writer = aws.rds.Instance(
            name,
            identifier=self._identifier,
            engine="postgres",
            instance_class=spec.instance_class,
            multi_az=spec.multi_az,
            db_name=NAME,
            username=OWNER,
            password=owner.password if owner else None,
            allocated_storage=spec.storage_gib,
            max_allocated_storage=spec.storage_max_gib,
            storage_type="gp3",
            parameter_group_name=self._parameters.name,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            backup_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            opts=self.child(
                protect=spec.protect,
                # A rotation has set another one since.
                ignore_changes=["password"],
                depends_on=self._logs(name, self._identifier),
            ),
            **self._kept(),
            **self._instance(),
        )
        readers = [self._replica(number, writer) for number in range(1, spec.replicas + 1)]
        self.identifier = writer.identifier
        self.instance_identifiers = [each.identifier for each in (writer, *readers)]
        self.arn = writer.arn
        self.host = writer.address
        self.reader_host = readers[0].address if readers else writer.address
        self.owner_secret_arn = self._owner_secret(writer.master_user_secrets)

    def _replica(self, number: int, writer: aws.rds.Instance) -> aws.rds.Instance:
        identifier, spec = f"{self._identifier}-{number}", self._spec
        return aws.rds.Instance(
            f"{self._name}-{number}",
            identifier=identifier,
            replicate_source_db=writer.identifier,
            instance_class=spec.instance_class,
            vpc_security_group_ids=[self._args.security_group_id],
            parameter_group_name=self._parameters.name,
            enabled_cloudwatch_logs_exports=list(_LOGS),
            maintenance_window=MAINTENANCE_WINDOW,
            # Its storage grows by itself, or is full when the writer's has grown.
            max_allocated_storage=spec.storage_max_gib,
            # It holds nothing that the writer does not.
            skip_final_snapshot=True,
            storage_encrypted=True,
            kms_key_id=spec.database_key,
            opts=self.child(depends_on=self._logs(f"{self._name}-{number}", identifier)),
            **self._instance(),
        )

    def _logs(self, name: str, identifier: str) -> list[pulumi.Resource]:
        return [
            self._log_group(f"{name}-{kind}", f"instance/{identifier}/{kind}") for kind in _LOGS
        ]
