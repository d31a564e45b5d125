"""What runs in the cluster beside Spool."""

import pulumi

from infra.program.context import Context
from infra.program.edge import Edge
from infra.program.ground import Ground
from infra.program.state import State
from infra.services.cluster_services import ClusterServicesArgs


def services_of(context: Context, ground: Ground, state: State, edge: Edge) -> ClusterServicesArgs:
    """Their arguments, from the parts that they serve."""
    settings = context.settings
    secrets: list[pulumi.Input[str]] = [
        ground.database.master_secret_arn,
        ground.database.app_secret_arn,
        state.secrets.signing.arn,
    ]
    if edge.delivery is not None:
        secrets.append(edge.delivery.private_keys.arn)
    return ClusterServicesArgs(
        cluster=ground.cluster,
        node_scaling=settings.cluster.node_scaling,
        media_nodes=ground.media_nodes,
        queue_arns=[queue.arn for queue in state.messaging.queues.values()],
        secret_arns=secrets,
        secrets_key_arn=ground.keys.arn("secrets"),
        waf=settings.edge.waf,
        prometheus=settings.day_two.prometheus,
    )
