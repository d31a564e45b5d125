"""PostgreSQL by Aurora Serverless v2: a cluster whose instances grow and shrink by load."""

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

_ENGINE = aws.rds.EngineType.AURORA_POSTGRESQL


class Aurora(Server):
    """A cluster of a writer and readers; with `multi_az` there is a reader to take over."""

    KIND = "ground:Aurora"

    def _make(self) -> None:
        name, spec, owner = self._name, self._spec, self._args.owner
        family = f"{_ENGINE.value}{spec.version}"
        parameters = aws.rds.ClusterParameterGroup(
            name,
            name=spec.names.of(f"db-{family}"),
            family=family,
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name=key, value=value)
                for key, value in PARAMETERS.items()
            ],
            opts=self.child(),
        )
        logs = self._log_group(f"{name}-postgresql", f"cluster/{self._identifier}/postgresql")
        cluster = aws.rds.Cluster(
            name,
            cluster_identifier=self._identifier,
            engine=_ENGINE,
            engine_mode="provisioned",
            database_name=NAME,
            master_username=OWNER,
            master_password=owner.password if owner else None,
            serverlessv2_scaling_configuration=aws.rds.ClusterServerlessv2ScalingConfigurationArgs(
                min_capacity=spec.min_acu, max_capacity=spec.max_acu
            ),
            db_cluster_parameter_group_name=parameters.name,
            enabled_cloudwatch_logs_exports=["postgresql"],
            preferred_backup_window=BACKUP_WINDOW,
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            copy_tags_to_snapshot=True,
            opts=self.child(
                protect=spec.protect,
                # A rotation has set another one since.
                ignore_changes=["master_password"],
                depends_on=[logs],
            ),
            **self._kept(),
        )
        readers = max(spec.replicas, 1 if spec.multi_az else 0)
        instances = [self._member(number, cluster) for number in range(1, readers + 2)]
        self.identifier = cluster.cluster_identifier
        self.instance_identifiers = [each.identifier for each in instances]
        self.arn = cluster.arn
        # With the writer, so that whoever is told the address can connect to it.
        self.host = pulumi.Output.all(cluster.endpoint, instances[0].id).apply(
            lambda known: str(known[0])
        )
        self.reader_host = cluster.reader_endpoint
        self.owner_secret_arn = self._owner_secret(cluster.master_user_secrets)

    def _member(self, number: int, cluster: aws.rds.Cluster) -> aws.rds.ClusterInstance:
        protect = self._spec.protect
        return aws.rds.ClusterInstance(
            f"{self._name}-{number}",
            identifier=f"{self._identifier}-{number}",
            cluster_identifier=cluster.id,
            engine=_ENGINE,
            engine_version=cluster.engine_version,
            instance_class="db.serverless",
            # The first reader takes over, having the writer's size.
            promotion_tier=number - 1,
            apply_immediately=not protect,
            opts=self.child(protect=protect),
            **self._instance(),
        )
