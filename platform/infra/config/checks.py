"""Combinations of settings that cannot work, each with what to do instead."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.config.settings import Settings

# Minor versions of EKS that can be created at the end of 2026, in standard support or extended.
KUBERNETES_VERSIONS = ("1.33", "1.34", "1.35")
POSTGRES_VERSIONS = ("15", "16", "17")
_EU = re.compile(r"^eu-[a-z]+-\d$")
_TARGET = {"endpoint": str, "pathStyle": bool, "maxRetries": int, "skipTypes": list}
# What IAM and load balancers take in a tag, which is less than other services do.
_TAG = re.compile(r"^[\w .:/=+@-]{0,255}$")
# Buckets are named by it, and they take less than the engine does.
_STACK = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
# All that CloudWatch takes.
_LOG_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
)  # fmt: skip
_BY_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def problems_of(settings: Settings) -> list[str]:
    """Everything in these settings that cannot work together; empty when all can."""
    return [
        *_general(settings),
        *_target(settings),
        *_network(settings),
        *_cluster(settings),
        *_database(settings),
        *_state(settings),
        *_application(settings),
        *_edge(settings),
    ]


def _general(settings: Settings) -> Iterator[str]:
    if not _STACK.match(settings.stack):
        yield (
            f"the stack is called {settings.stack}, and buckets bear its name; take lower-case "
            "letters and digits, with hyphens between them."
        )
    for key, text in (
        ("owner", settings.general.owner),
        ("costCenter", settings.general.cost_center),
        ("expiresAt", settings.general.expires_at or ""),
    ):
        if not _TAG.match(text):
            yield (
                f"spool:{key} is a tag, and AWS takes no {text!r} in one; take up to 255 letters, "
                "digits, spaces and . : / = + @ - _, without commas."
            )
    expires = settings.general.expires_at
    if expires is not None and not _is_moment(expires):
        yield (
            f"spool:expiresAt is {expires}; write a time with its offset, like "
            "2026-12-01T10:00:00+00:00."
        )


def _target(settings: Settings) -> Iterator[str]:
    for name, value in (settings.general.target or {}).items():
        if name not in _TARGET:
            yield f"spool:target has {name}; it takes {', '.join(_TARGET)}."
        elif not isinstance(value, _TARGET[name]):
            yield f"spool:target's {name} must be of type {_TARGET[name].__name__}."


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _network(settings: Settings) -> Iterator[str]:
    network = settings.network
    try:
        vpc = ipaddress.IPv4Network(network.vpc_cidr)
    except ValueError as error:
        yield f"spool:vpcCidr is not an IPv4 network ({error}); write it like 10.0.0.0/16."
    else:
        if not 16 <= vpc.prefixlen <= 20:
            yield f"spool:vpcCidr has a /{vpc.prefixlen}; subnets need a /16 to /20."
        elif not vpc.is_private:
            yield "spool:vpcCidr is public; take a part of 10.0.0.0/8 or another private range."
    if network.zone_names is not None and len(network.zone_names) != network.zones:
        yield (
            f"spool:zoneNames has {len(network.zone_names)} names for {network.zones} zones; "
            "name each, or none."
        )
    if network.nat_gateways == "none" and not network.interface_endpoints:
        yield (
            "spool:natGateways is none, and without endpoints nodes reach no AWS service; "
            "set spool:interfaceEndpoints to true or take one NAT gateway."
        )
    if settings.general.eu_residency:
        for key, region in (
            ("region", settings.general.region),
            ("replicaRegion", settings.state.replica_region),
        ):
            if region and not _EU.match(region):
                yield (
                    f"spool:{key} is {region}, outside the EU, and spool:euResidency is true; "
                    "take a region that begins with eu-."
                )


def _cluster(settings: Settings) -> Iterator[str]:
    cluster = settings.cluster
    if cluster.kubernetes_version not in KUBERNETES_VERSIONS:
        yield (
            f"spool:kubernetesVersion is {cluster.kubernetes_version}; "
            f"Spool is tested with {', '.join(KUBERNETES_VERSIONS)}."
        )
    if not cluster.nodes_min <= cluster.nodes_desired <= cluster.nodes_max:
        yield (
            f"spool:nodesMin ≤ nodesDesired ≤ nodesMax does not hold for {cluster.nodes_min}, "
            f"{cluster.nodes_desired}, {cluster.nodes_max}."
        )
    for arn in {*cluster.admin_role_arns} & {*cluster.read_only_role_arns}:
        yield f"spool:adminRoleArns and readOnlyRoleArns both have {arn}; leave it in one of them."
    if cluster.compute == "fargate":
        if cluster.container_insights:
            yield (
                "spool:containerInsights is true with spool:compute fargate, whose agents and "
                "their operator need nodes; set it to false, or take compute nodes."
            )
        if cluster.pod_credentials == "pod-identity":
            yield (
                "spool:podCredentials is pod-identity, whose agent is a DaemonSet, which Fargate "
                "does not run; take irsa."
            )
        if cluster.node_scaling == "karpenter":
            yield (
                "spool:nodeScaling is karpenter with spool:compute fargate; take "
                "cluster-autoscaler for the media nodes, or compute nodes."
            )


def _database(settings: Settings) -> Iterator[str]:
    database = settings.database
    if database.database_version not in POSTGRES_VERSIONS:
        yield (
            f"spool:databaseVersion is {database.database_version}; Spool is tested with "
            f"PostgreSQL {', '.join(POSTGRES_VERSIONS)}."
        )
    if database.database == "rds":
        managed = database.database_password == "managed"  # noqa: S105  # who keeps it
        if managed and database.database_replicas:
            yield (
                "spool:databasePassword is managed, and RDS makes no replicas of such an "
                "instance; set databasePassword to secret, or databaseReplicas to 0, or take "
                "aurora."
            )
        if database.database_storage_gib >= database.database_storage_max_gib:
            yield "spool:databaseStorageMaxGib must be larger than databaseStorageGib."
    elif database.aurora_min_acu > database.aurora_max_acu:
        yield "spool:auroraMinAcu is larger than auroraMaxAcu."


def _state(settings: Settings) -> Iterator[str]:
    state = settings.state
    if state.replica_region == settings.general.region:
        yield "spool:replicaRegion is the stack's own region; a copy belongs into another one."
    if state.kinesis and not state.kinesis_project_id:
        yield (
            "spool:kinesis is true, and nobody says whose the videos are; set "
            "spool:kinesisProjectId to the id of a project (prj_…)."
        )
    if state.mail_from and "@" not in parseaddr(state.mail_from)[1]:
        yield (
            f"spool:mailFrom is {state.mail_from}, which has no address; write it like "
            "Spool <spool@videos.example>."
        )


def _application(settings: Settings) -> Iterator[str]:
    application = settings.application
    if application.api_replicas_min > application.api_replicas_max:
        yield "spool:apiReplicasMin is larger than apiReplicasMax."
    if application.log_retention_days not in _LOG_DAYS:
        days = min(_LOG_DAYS, key=lambda each: abs(each - application.log_retention_days))
        yield (
            f"spool:logRetentionDays is {application.log_retention_days}, which CloudWatch does "
            f"not take; the nearest that it does is {days}."
        )
    if application.workers_min > application.workers_max:
        yield "spool:workersMin is larger than workersMax."
    images = (application.api_image, application.worker_image, application.console_image)
    if any(images) and not all(images):
        yield (
            "some of spool:apiImage, workerImage and consoleImage are set and some are not; set "
            "all three, or none for a stack that runs nothing yet."
        )
    for key, image in (
        ("apiImage", application.api_image),
        ("workerImage", application.worker_image),
        ("consoleImage", application.console_image),
    ):
        if image is not None and settings.general.preset == "prod" and not _BY_DIGEST.search(image):
            yield (
                f"spool:{key} is {image}; prod takes images by digest, so that what was tested "
                "is what runs: repository@sha256:…"
            )
        if image is not None and image.endswith(":latest"):
            yield f"spool:{key} is {image}; take a tag that names a commit, or a digest."


def _edge(settings: Settings) -> Iterator[str]:
    edge = settings.edge
    if edge.cdn and not edge.cdn_public_keys:
        yield (
            "spool:cdn is true, and CloudFront has no key to check signatures with; make one by "
            "`spool-env keys new`, or set spool:cdn to false."
        )
    if edge.cdn and edge.cdn_public_keys:
        private, signs = edge.cdn_private_keys or {}, edge.cdn_signing_key
        if signs not in private or signs not in edge.cdn_public_keys:
            yield (
                "spool:cdnSigningKey must name a key of both spool:cdnPublicKeys and "
                "spool:cdnPrivateKeys; `spool-env keys new` sets all three."
            )
    if edge.api_gateway and not edge.domain:
        yield (
            "spool:apiGateway is true, and API Gateway passes requests on to a name with a "
            "certificate; set spool:domain."
        )
    if edge.certificate_arn and not edge.domain:
        yield "spool:certificateArn is set without spool:domain, the name that it is for."
    if settings.general.preset == "prod" and not edge.domain:
        yield "spool:domain is not set; prod is not served without a name and a certificate."
    if edge.domain and not (edge.hosted_zone_id or edge.certificate_arn):
        yield (
            "spool:domain is set without spool:hostedZoneId; set it, so that the certificate is "
            "made and proven, or give one by spool:certificateArn."
        )
