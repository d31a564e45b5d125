"""Spool itself: images, grants and limits of this stack."""

from infra.application.application import ApplicationArgs, Images, Tracing
from infra.application.autoscaling import Limits
from infra.application.flows import Surroundings
from infra.application.ingress import Entrance
from infra.application.wiring import Grants
from infra.grants import Grant
from infra.program.context import Context
from infra.program.edge import Edge
from infra.program.ground import Ground
from infra.program.state import State
from infra.services.cluster_services import ClusterServices
from infra.state.queues import BANDS, KINDS


def application_of(
    context: Context,
    images: Images,
    ground: Ground,
    state: State,
    edge: Edge,
    services: ClusterServices,
) -> ApplicationArgs:
    """The application's arguments, from the parts that it uses."""
    settings = context.settings
    application, cluster, network = settings.application, settings.cluster, settings.network
    return ApplicationArgs(
        names=context.names,
        region=context.region,
        images=images,
        grants=Grants.of(
            state.buckets,
            state.messaging,
            database=ground.database.app_grant(),
            migration=ground.database.migration_grant(),
            signing=state.secrets.signing_grant(),
            delivery=edge.delivery.grant() if edge.delivery else Grant(),
            mail=state.mail.send_grant() if state.mail else Grant(),
            stream=state.stream.consume_grant() if state.stream else Grant(),
            notices=state.notices.consume_grant() if state.notices else Grant(),
        ),
        queue_urls={
            kind: [state.messaging.queues[kind, band].url for band in BANDS] for kind in KINDS
        },
        credentials=ground.cluster.pod_credentials,
        limits=Limits(
            application.api_replicas_min,
            application.api_replicas_max,
            application.workers_min,
            application.workers_max,
            cluster.media_nodes_max,
        ),
        database_connections=context.database_connections,
        database_host=ground.database.host,
        surroundings=Surroundings(
            balancer_cidrs=ground.plan.public,
            database_cidrs=ground.plan.database,
            endpoint_cidrs=ground.plan.private if network.interface_endpoints else (),
            pod_identity=cluster.pod_credentials == "pod-identity",
        ),
        entrance=Entrance(
            subnet_ids=ground.network.public_subnet_ids,
            domain=settings.edge.domain,
            certificate_arn=edge.certificate_arn,
            hosted_zone_id=settings.edge.hosted_zone_id,
            web_acl_arn=edge.firewall_arn,
            log_bucket=state.buckets.log_target,
            sticky=settings.edge.sticky_sessions,
        ),
        tracing=Tracing(services.otlp_endpoint, application.trace_ratio),
        secret_store=services.secret_store,
        services_ready=services.ready,
        tags=settings.tags,
        intake=state.stream is not None or state.notices is not None,
        prometheus=settings.day_two.prometheus,
    )


def images_of(context: Context) -> Images | None:
    """Those of the configuration; None for a stack that runs nothing yet.

    The first `up` of an account makes the repositories that images are then pushed to.
    """
    application = context.settings.application
    named = (application.api_image, application.worker_image, application.console_image)
    if None in named:
        return None
    api, worker, console = (str(each) for each in named)
    return Images(api, worker, console)
