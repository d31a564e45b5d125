"""The stack's settings as frozen types, read once.

Fields are the keys of `table.py` in snake case; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

import pulumi

from infra.config.checks import problems_of
from infra.config.keys import Preset
from infra.config.reading import ConfigInvalid, read_section, stack_values, unknown_keys
from infra.config.table import (
    APPLICATION,
    CLUSTER,
    DATABASE,
    DAY_TWO,
    EDGE,
    GENERAL,
    NETWORK,
    STATE,
)


@dataclass(frozen=True)
class General:
    preset: Preset
    region: str
    account: str | None
    owner: str
    cost_center: str
    expires_at: str | None
    protect: bool
    eu_residency: bool
    account_baseline: bool
    kms_keys: bool
    target: Mapping[str, object] | None


@dataclass(frozen=True)
class Network:
    vpc_cidr: str
    zones: int
    zone_names: list[str] | None
    nat_gateways: Literal["none", "one", "per-zone"]
    interface_endpoints: bool
    flow_logs: bool


@dataclass(frozen=True)
class Cluster:
    kubernetes_version: str
    compute: Literal["nodes", "fargate"]
    node_scaling: Literal["none", "cluster-autoscaler", "karpenter"]
    pod_credentials: Literal["irsa", "pod-identity"]
    node_types: list[str]
    nodes_min: int
    nodes_desired: int
    nodes_max: int
    media_node_types: list[str]
    media_nodes_max: int
    media_spot: bool
    public_endpoint_cidrs: list[str]
    admin_role_arns: list[str]
    read_only_role_arns: list[str]
    container_insights: bool


@dataclass(frozen=True)
class Database:
    database: Literal["rds", "aurora"]
    database_version: str
    database_class: str
    database_multi_az: bool
    database_replicas: int
    database_storage_gib: int
    database_storage_max_gib: int
    database_backup_days: int
    database_password: Literal["managed", "secret"]
    database_rotation_days: int
    database_monitoring: bool
    database_proxy: bool
    aurora_min_acu: float
    aurora_max_acu: float


@dataclass(frozen=True)
class State:
    source_tiers: bool
    replica_region: str
    kinesis: bool
    kinesis_shards: int
    kinesis_retention_hours: int
    kinesis_project_id: str | None
    bucket_events: Literal["none", "s3", "eventbridge"]
    registry: bool
    registry_delete_images: bool
    registry_keep_images: int
    cognito: bool
    mail_from: str | None


@dataclass(frozen=True)
class Application:
    api_image: str | None
    worker_image: str | None
    console_image: str | None
    api_replicas_min: int
    api_replicas_max: int
    workers_max: int
    workers_min: int
    log_retention_days: int
    trace_ratio: float


@dataclass(frozen=True)
class Edge:
    domain: str | None
    hosted_zone_id: str | None
    certificate_arn: str | None
    cdn: bool
    cdn_public_keys: Mapping[str, str] | None
    cdn_private_keys: Mapping[str, str] | None
    cdn_signing_key: str | None
    waf: bool
    waf_rate_limit: int
    sticky_sessions: bool
    api_gateway: bool
    api_gateway_rate: int
    api_gateway_monthly: int
    api_gateway_cache: bool


@dataclass(frozen=True)
class DayTwo:
    alarm_emails: list[str]
    prometheus: bool
    monthly_budget_usd: int
    backups: bool
    ci_repository: str | None


@dataclass(frozen=True)
class Settings:
    """Everything that a stack may choose, and what it is called.

    Args:
        project, stack: As the engine names them.
        general … day_two: The sections of the table of keys.
    """

    project: str
    stack: str
    general: General
    network: Network
    cluster: Cluster
    database: Database
    state: State
    application: Application
    edge: Edge
    day_two: DayTwo

    @property
    def tags(self) -> dict[str, str]:
        """Tags of everything that takes tags."""
        tags = {
            "project": self.project,
            "stack": self.stack,
            "preset": self.general.preset,
            "owner": self.general.owner,
            "cost-center": self.general.cost_center,
            "managed-by": "pulumi",
        }
        if self.general.eu_residency:
            tags["residency"] = "eu"
        if self.general.expires_at:
            tags["expires-at"] = self.general.expires_at
        return tags

    @classmethod
    def load(cls) -> Self:
        """The settings of the stack that the engine runs.

        Raises:
            ConfigInvalid: with everything that is wrong, and what to do about each.
        """
        return cls.of(pulumi.get_project(), pulumi.get_stack(), stack_values())

    @classmethod
    def of(cls, project: str, stack: str, values: Mapping[str, str]) -> Self:
        """Settings from the texts of a stack's configuration, by key without its namespace.

        Raises:
            ConfigInvalid: as `load`.
        """
        problems = unknown_keys(values)
        general = read_section(General, GENERAL, values, problems)
        settings = cls(
            project=project,
            stack=stack,
            general=general,
            network=read_section(Network, NETWORK, values, problems),
            cluster=read_section(Cluster, CLUSTER, values, problems),
            database=read_section(Database, DATABASE, values, problems),
            state=read_section(State, STATE, values, problems),
            application=read_section(Application, APPLICATION, values, problems),
            edge=read_section(Edge, EDGE, values, problems),
            day_two=read_section(DayTwo, DAY_TWO, values, problems),
        )
        if not problems:
            problems = problems_of(settings)
        if problems:
            raise ConfigInvalid(stack, problems)
        return settings
