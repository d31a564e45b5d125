"""What is there after the first day, for this stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.application.application import Application
from infra.component import Component
from infra.day_two.alarms import Alarms, AlarmsArgs
from infra.day_two.budgets import Budgets, BudgetsArgs
from infra.day_two.governance import Governance, GovernanceArgs
from infra.day_two.recovery import Recovery, RecoveryArgs
from infra.day_two.telemetry import Telemetry, TelemetryArgs
from infra.day_two.watch import Places, database_dimension, watches
from infra.program.context import Context
from infra.program.edge import Edge
from infra.program.ground import Ground
from infra.program.state import State
from infra.services.cluster_services import ClusterServices
from infra.state.queues import dead_letter_name, queue_name, work_queues


@dataclass(frozen=True)
class DayTwoArgs:
    context: Context
    ground: Ground
    state: State
    edge: Edge
    services: ClusterServices
    application: Application | None


class DayTwo(Component):
    """Watched, priced, backed up, from the first update on: before anything runs, too.

    Attributes:
        alarms, telemetry: Always there.
        ci_roles: ARNs of the roles that CI takes, by what for.
    """

    KIND = "program:DayTwo"

    alarms: Alarms
    telemetry: Telemetry
    ci_roles: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: DayTwoArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        context, settings = args.context, args.context.settings
        names = context.names
        queues = [queue_name(names.queue_prefix, kind, band) for kind, band in work_queues()]
        others = [names.of(what) for what in ("api-events", "worker-events")]
        if args.state.notices is not None:
            others.append(names.of("arrivals"))
        aurora = settings.database.database == "aurora"
        insights = settings.cluster.container_insights
        balancer = args.application.ingress.load_balancer() if args.application else None
        watched = watches(
            Places(
                queues=queues,
                dead_letters=[dead_letter_name(queue) for queue in (*queues, *others)],
                stream=names.of("videos") if args.state.stream else None,
                aurora=aurora,
                storage_gib=settings.database.database_storage_gib,
                connections=context.database_connections,
                load_balancer=balancer is not None,
                insights=insights,
            )
        )
        database = args.ground.database
        cluster = args.ground.cluster.name
        self.alarms = Alarms(
            "alarms",
            AlarmsArgs(
                names=names,
                account=context.account,
                watches=watched,
                places={
                    "database": database.identifier,
                    "cluster": cluster,
                    **({"load_balancer": balancer} if balancer else {}),
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
                cluster=cluster if insights else None,
                load_balancer=balancer,
                log_group=args.services.pod_log_group,
                queues=queues,
                database=(database_dimension(aurora=aurora), database.identifier),
                distribution=args.edge.delivery.id if args.edge.delivery else None,
                watches=watched,
                prometheus=args.services.ready if settings.day_two.prometheus else None,
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
        self.ci_roles = {}
        repository = settings.day_two.ci_repository
        if context.trail is not None or repository is not None:
            self.ci_roles = Governance(
                "governance",
                GovernanceArgs(
                    names=names,
                    account=context.account,
                    region=context.region,
                    trail=context.trail,
                    trail_bucket=args.state.buckets.log_target,
                    trail_key=args.ground.keys.arn("logs"),
                    topic_arn=self.alarms.topic_arn,
                    ci_repository=repository,
                ),
                opts=self.child(),
            ).ci_roles
        if settings.day_two.backups:
            Recovery(
                "recovery",
                RecoveryArgs(
                    names=names,
                    resources=[database.arn, args.state.buckets.source.arn],
                    instance=None if aurora else database.arn,
                    daily_days=settings.database.database_backup_days,
                    replica=context.replica_provider,
                    topic_arn=self.alarms.topic_arn,
                    protect=settings.general.protect,
                ),
                opts=self.child(),
            )
        self.register_outputs({"topic_arn": self.alarms.topic_arn})
