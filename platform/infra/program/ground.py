"""The ground: keys, network, cluster, database."""

from dataclasses import dataclass

import pulumi

from infra.application.processes import NAMESPACE
from infra.component import Component
from infra.ground.cluster import Cluster, ClusterArgs
from infra.ground.database import Database, DatabaseArgs
from infra.ground.endpoints import Endpoints, EndpointsArgs
from infra.ground.keys import Keys, KeysArgs
from infra.ground.network import Network, NetworkArgs
from infra.ground.pools import MediaNodes, plan_pools
from infra.ground.subnets import SubnetPlan, plan_subnets, zones_of
from infra.program.context import Context


@dataclass(frozen=True)
class GroundArgs:
    context: Context


class Ground(Component):
    """What everything stands on.

    Attributes:
        plan, keys, network, cluster, database: Its parts.
        media_nodes: For whoever makes them.
    """

    KIND = "program:Ground"

    plan: SubnetPlan
    keys: Keys
    network: Network
    cluster: Cluster
    database: Database
    media_nodes: MediaNodes

    def __init__(
        self, name: str, args: GroundArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        context, settings = args.context, args.context.settings
        self.plan = plan_subnets(settings.network.vpc_cidr, settings.network.zones)
        self.keys = Keys(
            "keys",
            KeysArgs(
                names=context.names,
                account=context.account,
                region=context.region,
                customer_managed=settings.general.kms_keys,
                protect=settings.general.protect,
            ),
            opts=self.child(),
        )
        self.network = self._network(context)
        self.cluster = self._cluster(context)
        self.database = self._database(context)
        self.register_outputs({"vpc_id": self.network.vpc_id, "cluster": self.cluster.name})

    def _network(self, context: Context) -> Network:
        settings = context.settings.network
        network = Network(
            "network",
            NetworkArgs(
                names=context.names,
                plan=self.plan,
                zone_names=zones_of(context.region, settings.zones, settings.zone_names),
                nat_gateways=settings.nat_gateways,
                flow_logs=settings.flow_logs,
                log_retention_days=context.settings.application.log_retention_days,
                logs_key=self.keys.arn("logs"),
                cluster_name=context.names.cluster,
            ),
            opts=self.child(),
        )
        Endpoints(
            "endpoints",
            EndpointsArgs(
                names=context.names,
                region=context.region,
                vpc_id=network.vpc_id,
                cidr=network.cidr,
                private_subnet_ids=network.private_subnet_ids,
                private_route_table_ids=network.private_route_table_ids,
                interface=settings.interface_endpoints,
                kinesis=context.settings.state.kinesis,
            ),
            opts=self.child(),
        )
        return network

    def _cluster(self, context: Context) -> Cluster:
        settings = context.settings.cluster
        self.media_nodes = MediaNodes(
            settings.media_node_types, settings.media_nodes_max, settings.media_spot
        )
        return Cluster(
            "cluster",
            ClusterArgs(
                names=context.names,
                account=context.account,
                region=context.region,
                version=settings.kubernetes_version,
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.private_subnet_ids,
                pools=plan_pools(
                    compute=settings.compute,
                    node_scaling=settings.node_scaling,
                    node_types=settings.node_types,
                    nodes_min=settings.nodes_min,
                    nodes_desired=settings.nodes_desired,
                    nodes_max=settings.nodes_max,
                    media=self.media_nodes,
                ),
                fargate=settings.compute == "fargate",
                pod_credentials=settings.pod_credentials,
                cluster_key_arn=self.keys.arn("cluster"),
                logs_key_arn=self.keys.arn("logs"),
                log_retention_days=context.settings.application.log_retention_days,
                public_endpoint_cidrs=settings.public_endpoint_cidrs,
                admin_role_arns=settings.admin_role_arns,
                read_only_role_arns=settings.read_only_role_arns,
                app_namespace=NAMESPACE,
                container_insights=settings.container_insights,
                protect=context.settings.general.protect,
                tags=context.settings.tags,
            ),
            opts=self.child(),
        )

    def _database(self, context: Context) -> Database:
        settings = context.settings.database
        return Database(
            "database",
            DatabaseArgs(
                names=context.names,
                kind=settings.database,
                version=settings.database_version,
                instance_class=settings.database_class,
                multi_az=settings.database_multi_az,
                replicas=settings.database_replicas,
                storage_gib=settings.database_storage_gib,
                storage_max_gib=settings.database_storage_max_gib,
                min_acu=settings.aurora_min_acu,
                max_acu=settings.aurora_max_acu,
                backup_days=settings.database_backup_days,
                password=settings.database_password,
                rotation_days=settings.database_rotation_days,
                proxy=settings.database_proxy,
                protect=context.settings.general.protect,
                monitoring=settings.database_monitoring,
                log_retention_days=context.settings.application.log_retention_days,
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.database_subnet_ids,
                private_subnet_ids=self.network.private_subnet_ids,
                clients={"pods": self.cluster.security_group_id},
                database_key=self.keys.arn("database"),
                secrets_key=self.keys.arn("secrets"),
                logs_key=self.keys.arn("logs"),
            ),
            opts=self.child(),
        )
