"""PostgreSQL by Aurora Serverless v2: a cluster whose instances grow and shrink by load."""

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

_ENGINE = aws.rds.EngineType.AURORA_POSTGRESQL


@dataclass(frozen=True)
class AuroraArgs:
    """What `Aurora` takes.

    Args:
        min_acu, max_acu: Capacity of each instance, of about 2 GiB of memory a unit.
    """

    server: ServerArgs
    min_acu: float
    max_acu: float


class Aurora(Server):
    """A cluster of a writer and readers; with `multi_az` there is a reader to take over."""

    KIND = "ground:Aurora"

    def __init__(
        self, name: str, args: AuroraArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.server, opts)
        server = args.server
        family = f"{_ENGINE.value}{server.version}"
        parameters = aws.rds.ClusterParameterGroup(
            name,
            name=server.names.of(f"db-{family}"),
            family=family,
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name=key, value=value)
                for key, value in PARAMETERS.items()
            ],
            opts=self.child(),
        )
        managed = server.owner_password is None
        logs = self.log_group(f"{name}-postgresql", f"cluster/{self._identifier}/postgresql")
        cluster = aws.rds.Cluster(
            name,
            cluster_identifier=self._identifier,
            engine=_ENGINE,
            engine_mode="provisioned",
            engine_version=server.version,
            database_name=server.database_name,
            port=PORT,
            master_username=server.owner,
            manage_master_user_password=True if managed else None,
            master_user_secret_kms_key_id=server.secrets_key if managed else None,
            master_password=server.owner_password,
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=args.min_acu, max_capacity=args.max_acu
            ),
            storage_encrypted=True,
            kms_key_id=server.database_key,
            db_subnet_group_name=self._subnets.name,
            vpc_security_group_ids=[server.security_group_id],
            db_cluster_parameter_group_name=parameters.name,
            enabled_cloudwatch_logs_exports=["postgresql"],
            backup_retention_period=server.backup_days,
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            delete_automated_backups=not server.protect,
            deletion_protection=server.protect,
            skip_final_snapshot=not server.protect,
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=not server.protect,
            opts=self.child(
                protect=server.protect,
                # A rotation has set another one since.
                ignore_changes=["master_password"],
                depends_on=[logs],
            ),
        )
        readers = max(server.replicas, 1 if server.multi_az else 0)
        instances = [self._instance(number, cluster) for number in range(1, readers + 2)]
        self.identifier = cluster.cluster_identifier
        self.instance_identifiers = [each.identifier for each in instances]
        self.arn = cluster.arn
        # With the writer, so that whoever is told the address can connect to it.
        self.host = pulumi.Output.all(cluster.endpoint, instances[0].id).apply(
            lambda known: str(known[0])
        )
        self.reader_host = cluster.reader_endpoint
        self.owner_secret_arn = (
            cluster.master_user_secrets.apply(lambda kept: str(kept[0].secret_arn))
            if managed
            else None
        )
        self.declare()

    def _instance(self, number: int, cluster: aws.rds.Cluster) -> aws.rds.ClusterInstance:
        return aws.rds.ClusterInstance(
            f"{self._name}-{number}",
            identifier=f"{self._identifier}-{number}",
            cluster_identifier=cluster.id,
            engine=_ENGINE,
            engine_version=cluster.engine_version,
            instance_class="db.serverless",
            # The first reader takes over, having the writer's size.
            promotion_tier=min(number - 1, 15),
            publicly_accessible=False,
            ca_cert_identifier=AUTHORITY,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            apply_immediately=not self._args.protect,
            opts=self.child(protect=self._args.protect),
            **self._watched(),
        )
