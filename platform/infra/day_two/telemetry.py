"""What is looked at: dashboards in CloudWatch and Grafana, Prometheus' rules, X-Ray's errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.day_two import dashboards
from infra.day_two.grafana import grafana_dashboards
from infra.day_two.rules import rule_groups
from infra.day_two.watch import Watch
from infra.names import Names
from infra.placement import OBSERVABILITY


@dataclass(frozen=True, kw_only=True)
class TelemetryArgs:
    """What `Telemetry` takes.

    Args:
        cluster: Where CloudWatch measures its nodes.
        load_balancer: `app/<name>/<id>`, as CloudWatch names it, if there is one.
        log_group: Of the application's logs.
        database: Dimension and identifier, as CloudWatch names it.
        distribution: Id of the CloudFront distribution, if any.
        prometheus: What brings the types that its rules are of; None where there is none.
    """

    names: Names
    region: str
    cluster: pulumi.Input[str] | None
    load_balancer: pulumi.Input[str] | None
    log_group: pulumi.Input[str]
    queues: Sequence[str]
    database: tuple[str, pulumi.Input[str]]
    distribution: pulumi.Input[str] | None
    watches: Sequence[Watch]
    prometheus: Sequence[pulumi.Resource] | None


class Telemetry(Component):
    """Dashboards and rules.

    Attributes:
        dashboards: Addresses by name.
    """

    KIND = "day-two:Telemetry"

    def __init__(
        self, name: str, args: TelemetryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        dimension, database = args.database
        bodies: dict[str, pulumi.Output[str]] = {
            "application": pulumi.Output.all(args.load_balancer, args.log_group).apply(
                lambda known: dashboards.overview(args.region, *known)
            ),
            "workers": pulumi.Output.from_input(args.log_group).apply(
                lambda group: dashboards.workers(args.region, args.queues, group)
            ),
            "infrastructure": pulumi.Output.all(args.cluster, database, args.distribution).apply(
                lambda known: dashboards.infrastructure(
                    args.region, known[0], (dimension, known[1]), known[2]
                )
            ),
        }
        self.dashboards = {
            what: self._dashboard(name, what, body, args) for what, body in bodies.items()
        }
        aws.xray.Group(
            name,
            group_name=args.names.of("errors", longest=32),
            filter_expression="fault = true OR error = true",
            opts=self.child(),
        )
        if args.prometheus is not None:
            self._in_cluster(name, args, args.prometheus)
        self.register_outputs({"dashboards": self.dashboards})

    def _dashboard(
        self, name: str, what: str, body: pulumi.Output[str], args: TelemetryArgs
    ) -> pulumi.Output[str]:
        made = aws.cloudwatch.Dashboard(
            f"{name}-{what}",
            dashboard_name=args.names.of(what, longest=255),
            dashboard_body=body,
            opts=self.child(),
        )
        return made.dashboard_name.apply(
            lambda called: (
                f"https://{args.region}.console.aws.amazon.com/cloudwatch/home"
                f"?region={args.region}#dashboards/dashboard/{called}"
            )
        )

    def _in_cluster(self, name: str, args: TelemetryArgs, after: Sequence[pulumi.Resource]) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata={"name": "spool", "namespace": OBSERVABILITY},
            spec={"groups": rule_groups(args.watches)},
            opts=self.child(depends_on=list(after)),
        )
        k8s.core.v1.ConfigMap(
            f"{name}-grafana",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name="spool-dashboards",
                namespace=OBSERVABILITY,
                # What the sidecar of Grafana looks for.
                labels={"grafana_dashboard": "1"},
            ),
            data=grafana_dashboards(),
            opts=self.child(depends_on=list(after)),
        )
