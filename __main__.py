"""Spool on AWS: what `pulumi up` makes, from the ground up.

Each part is a component; what it takes and gives is written there. Access is wiring: who is handed
a grant may do what it says, and is told what it needs for it.
"""

import sys
from pathlib import Path

# `platform/` is no package: one would hide Python's own module of that name.
sys.path.insert(0, str(Path(__file__).parent / "platform"))

from infra.application.application import Application
from infra.application.processes import NAMESPACE
from infra.config.settings import Settings
from infra.outputs import export
from infra.program.application import application_of, images_of
from infra.program.context import Context
from infra.program.day_two import DayTwo, DayTwoArgs
from infra.program.edge import Edge, EdgeArgs
from infra.program.ground import Ground, GroundArgs
from infra.program.services import services_of
from infra.program.state import State, StateArgs
from infra.services.cluster_services import ClusterServices

context = Context.of(Settings.load())
here = context.options()

# Keys, network, cluster, database.
ground = Ground("ground", GroundArgs(context), opts=here)
in_cluster = context.options(ground.cluster.provider)

# Buckets, messages, secrets, images, sign-in. Then certificates, firewalls and CloudFront, which
# reads the media bucket.
state = State("state", StateArgs(context, ground), opts=here)
edge = Edge("edge", EdgeArgs(context, ground, state), opts=here)

# What runs in the cluster beside Spool, and Spool.
services = ClusterServices("services", services_of(context, ground, state, edge), opts=in_cluster)
images = images_of(context)
application = (
    Application(
        "application",
        application_of(context, images, ground, state, edge, services),
        opts=in_cluster,
    )
    if images
    else None
)

# Alarms, dashboards, budgets, guards, backups.
day_two = DayTwo(
    "day-two", DayTwoArgs(context, ground, state, edge, services, application), opts=in_cluster
)

export(
    url=application and application.url,
    media_url=edge.delivery and edge.delivery.url,
    api_url=application and edge.gateway(application.url),
    cluster_name=ground.cluster.name,
    namespace=NAMESPACE,
    registry=state.registry and state.registry.urls,
    buckets=state.buckets.called,
    sign_in=state.sign_in and state.sign_in.told,
    queue_prefix=context.names.queue_prefix,
    topics=state.messaging.topics | {"alarms": day_two.alarms.topic_arn},
    database_host=ground.database.host,
    dashboards=day_two.telemetry.dashboards,
    ci_roles=day_two.ci_roles,
    images=images and vars(images),
)
