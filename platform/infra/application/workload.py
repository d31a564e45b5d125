"""One process in the cluster, with all that belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from infra.application.autoscaling import Replicas
from infra.application.custom_resources import external_secret, scaled_object
from infra.application.pods import NAME_LABEL, environment, metadata, pod_template
from infra.application.processes import NAMESPACE, Process
from infra.component import Component
from infra.grants import Grant, combined
from infra.names import Names
from infra.workload_role import PodCredentials, WorkloadRole, WorkloadRoleArgs

# Of workers that end before others begin: each takes as long as its work, so half of them at once.
_REPLACED_AT_ONCE = "50%"
# Of the processor time that is asked for.
_BUSY_PERCENT = 70


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """What a process is and what it is given.

    Args:
        namespace: `NAMESPACE`, as the output of the resource that makes it.
        image: Plain, because the migrations are named by it and a name cannot wait for an output.
        grants: Its role's policy, its variables and its secrets are made of these and nothing else.
        environment: Variables beside those of grants and of the process itself.
        credentials: How its pods get their role.
        secret_store: The ClusterSecretStore that reads Secrets Manager.
        queue_urls: Of the queues that a worker follows.
        region: Of those queues.
        pods_after: What has to be there before pods start.
    """

    names: Names
    namespace: pulumi.Input[str]
    process: Process
    image: str
    replicas: Replicas
    grants: Sequence[Grant]
    environment: Mapping[str, pulumi.Input[str]]
    credentials: PodCredentials
    secret_store: str
    region: str
    queue_urls: Sequence[pulumi.Input[str]] = ()
    pods_after: Sequence[pulumi.Resource] = ()


class Identity(Component):
    """Who a process is: its service account, its role, and the secrets that it is handed.

    Attributes:
        service_account: Its name.
        variables: Names and places of its variables.
        ready: What pods need to start.
    """

    KIND = "application:Identity"

    def __init__(
        self,
        name: str,
        args: WorkloadArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        process = args.process
        grant = combined(args.grants)
        self.service_account = process.name
        annotations: Mapping[str, pulumi.Input[str]] = {}
        self.ready: list[pulumi.Resource] = []
        if grant.statements:
            role = WorkloadRole(
                name,
                WorkloadRoleArgs(
                    names=args.names,
                    namespace=NAMESPACE,
                    service_account=process.name,
                    credentials=args.credentials,
                    statements=grant.statements,
                ),
                opts=self.child(),
            )
            annotations = role.annotations
            self.ready += role.ready
        self.ready.append(
            k8s.core.v1.ServiceAccount(
                name,
                metadata=metadata(process.name, args.namespace, annotations),
                automount_service_account_token=False,
                opts=self.child(),
            )
        )
        if grant.secrets:
            self.ready.append(
                external_secret(
                    process.name, args.namespace, args.secret_store, grant.secrets, self.child()
                )
            )
        plain = {**args.environment, **grant.environment, **process.environment}
        self.variables = environment(plain, list(grant.secrets), process.name)
        self.register_outputs({})


class Workload(Component):
    """A process that stays: identity, Deployment, disruption budget, scaling.

    Its Service, if it has one, is made before the load balancer and so by `Ingress`.

    Attributes:
        deployment: The Deployment.
    """

    KIND = "application:Workload"

    deployment: k8s.apps.v1.Deployment

    def __init__(
        self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        process = args.process
        identity = Identity(name, args, opts=self.child())
        # Workers follow their queues even where that means one pod or none.
        scaled = process.kind == "worker" or not args.replicas.fixed
        selector = k8s.meta.v1.LabelSelectorArgs(match_labels={NAME_LABEL: process.name})
        self.deployment = k8s.apps.v1.Deployment(
            name,
            metadata=metadata(process.name, args.namespace),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                # Whoever scales it owns the number; a second owner would put it back each time.
                replicas=None if scaled else args.replicas.least,
                revision_history_limit=5,
                progress_deadline_seconds=600,
                min_ready_seconds=5,
                selector=selector,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(
                        max_surge=args.replicas.surge,
                        max_unavailable=_unavailable(args),
                    ),
                ),
                template=pod_template(
                    process,
                    image=args.image,
                    variables=identity.variables,
                    service_account=identity.service_account,
                ),
            ),
            opts=self.child(
                depends_on=[*identity.ready, *args.pods_after],
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="20m"),
            ),
        )
        k8s.policy.v1.PodDisruptionBudget(
            name,
            metadata=metadata(process.name, args.namespace),
            spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable="25%" if process.kind == "worker" else 1,
                selector=selector,
                # What is not ready holds up no node that has to go.
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=self.child(),
        )
        if process.kind == "worker":
            scaled_object(
                name,
                args.namespace,
                process,
                args.replicas,
                args.queue_urls,
                args.region,
                self.child(depends_on=[self.deployment]),
            )
        elif scaled:
            self._scale_by_load(name, args)
        self.register_outputs({"deployment": self.deployment.metadata.name})

    def _scale_by_load(self, name: str, args: WorkloadArgs) -> None:
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            name,
            metadata=metadata(args.process.name, args.namespace),
            spec=k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=args.process.name
                ),
                min_replicas=args.replicas.least,
                max_replicas=args.replicas.most,
                metrics=[
                    k8s.autoscaling.v2.MetricSpecArgs(
                        type="Resource",
                        resource=k8s.autoscaling.v2.ResourceMetricSourceArgs(
                            name="cpu",
                            target=k8s.autoscaling.v2.MetricTargetArgs(
                                type="Utilization", average_utilization=_BUSY_PERCENT
                            ),
                        ),
                    )
                ],
                behavior=k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgs(
                    scale_down=k8s.autoscaling.v2.HPAScalingRulesArgs(
                        stabilization_window_seconds=300
                    )
                ),
            ),
            opts=self.child(depends_on=[self.deployment]),
        )


def _unavailable(args: WorkloadArgs) -> int | str:
    """How many pods may be missing in a roll-out."""
    if args.replicas.surge:
        return 0
    return _REPLACED_AT_ONCE if args.process.kind == "worker" else 1
