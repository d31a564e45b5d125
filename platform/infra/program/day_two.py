"""What is there after the first day, for this stack."""

from dataclasses import dataclass

import pulumi

from infra.application.application import Application
from infra.component import Component
from infra.day_two.alarms import Alarms, AlarmsArgs
from infra.day_two.budgets import Budgets, BudgetsArgs
from infra.day_two.governance import Governance, GovernanceArgs
from infra.day_two.recovery import Recovery, RecoveryArgs
from infra.day_two.telemetry import InCluster, Telemetry, TelemetryArgs
from infra.day_two.watch import Places, watches
from infra.program.context import Context
from infra.program.edge import Edge
from infra.program.ground import Ground
from infra.program.state import State
from infra.services.cluster_services import ClusterServices
from infra.state.queues import dead_letter_name, queue_name, work_queues

# Where the chart of Prometheus is, and looks for rules.
_OBSERVABILITY = "observability"


@dataclass(frozen=True)
class DayTwoArgs:
    context: Context
    ground: Ground
    state: State
    edge: Edge
    services: ClusterServices
    application: Application


class DayTwo(Component):
    """Watched, priced, backed up.

    Attributes:
        alarms, telemetry: Always there.
    """

    KIND = "program:DayTwo"

    alarms: Alarms
    telemetry: Telemetry

    def __init__(
        self, name: str, args: DayTwoArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        context, settings = args.context, args.context.settings
        names = context.names
        queues = [queue_name(names.queue_prefix, kind, band) for kind, band in work_queues()]
        watched = watches(
            Places(
                queues=queues,
                dead_letters=[dead_letter_name(queue) for queue in queues],
                stream=names.of("videos") if args.state.stream else None,
                aurora=settings.database.database == "aurora",
                storage_gib=settings.database.database_storage_gib,
                connections=context.database_connections,
            )
        )
        database = args.ground.database
        dimension = (
            "DBClusterIdentifier"
            if settings.database.database == "aurora"
            else ("DBInstanceIdentifier")
        )
        balancer = args.application.ingress.load_balancer()
        self.alarms = Alarms(
            "alarms",
            AlarmsArgs(
                names=names,
                account=context.account,
                watches=watched,
                places={
                    "load_balancer": balancer,
                    "database": database.identifier,
                    "cluster": args.ground.cluster.name,
                },
                emails=settings.day_two.alarm_emails,
                kms_key=args.ground.keys.arn("messages"),
            ),
            opts=self.child(),
        )
        self.telemetry = Telemetry(
            "telemetry",
            TelemetryArgs(
                names=names,
                region=context.region,
                cluster=args.ground.cluster.name,
                load_balancer=balancer,
                log_group=args.services.pod_log_group,
                queues=queues,
                database=(dimension, database.identifier),
                distribution=args.edge.delivery.id if args.edge.delivery else None,
                watches=watched,
                prometheus=InCluster(_OBSERVABILITY, args.services.ready)
                if settings.day_two.prometheus
                else None,
            ),
            opts=self.child(),
        )
        Budgets(
            "budgets",
            BudgetsArgs(
                names,
                settings.day_two.monthly_budget_usd,
                self.alarms.topic_arn,
                settings.day_two.alarm_emails,
            ),
            opts=self.child(),
        )
        if context.trail is not None:
            Governance(
                "governance",
                GovernanceArgs(
                    names=names,
                    account=context.account,
                    region=context.region,
                    trail=context.trail,
                    trail_bucket=args.state.buckets.log_target,
                    trail_key=args.ground.keys.arn("logs"),
                    topic_arn=self.alarms.topic_arn,
                    ci_repository=settings.day_two.ci_repository,
                ),
                opts=self.child(),
            )
        if settings.day_two.backups:
            Recovery(
                "recovery",
                RecoveryArgs(
                    names=names,
                    resources={"database": database.arn, "source": args.state.buckets.source.arn},
                    daily_days=settings.database.database_backup_days,
                    replica=context.replica_provider,
                    topic_arn=self.alarms.topic_arn,
                    protect=settings.general.protect,
                ),
                opts=self.child(),
            )
        self.register_outputs({"topic_arn": self.alarms.topic_arn})
