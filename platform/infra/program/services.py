"""What runs in the cluster beside Spool."""

import pulumi

from infra.application.processes import NAMESPACE
from infra.program.context import Context
from infra.program.edge import Edge
from infra.program.ground import Ground
from infra.program.state import State
from infra.services.cluster_services import ClusterServicesArgs, MediaNodes


def services_of(context: Context, ground: Ground, state: State, edge: Edge) -> ClusterServicesArgs:
    """Their arguments, from the parts that they serve."""
    settings, cluster = context.settings, context.settings.cluster
    secrets: list[pulumi.Input[str]] = [
        ground.database.master_secret_arn,
        ground.database.app_secret_arn,
        state.secrets.signing.arn,
    ]
    if edge.delivery is not None:
        secrets.append(edge.delivery.private_keys.arn)
    return ClusterServicesArgs(
        names=context.names,
        account=context.account,
        region=context.region,
        version=cluster.kubernetes_version,
        cluster=ground.cluster,
        vpc_id=ground.network.vpc_id,
        subnet_ids=ground.network.private_subnet_ids,
        node_scaling=cluster.node_scaling,
        media_nodes=MediaNodes(
            cluster.media_node_types, cluster.media_nodes_max, cluster.media_spot
        ),
        fargate=cluster.compute == "fargate",
        queue_arns=[queue.arn for queue in state.messaging.queues.values()],
        secret_arns=secrets,
        secrets_key_arn=ground.keys.arn("secrets"),
        logs_key_arn=ground.keys.arn("logs"),
        log_retention_days=settings.application.log_retention_days,
        app_namespace=NAMESPACE,
        waf=settings.edge.waf,
        prometheus=settings.day_two.prometheus,
        protect=settings.general.protect,
        tags=settings.tags,
    )
