"""A service of the cluster, from the chart of its project, and the role of its pods.

Helm's own releases, not charts that are rendered into resources of the stack: several charts make
certificates while they render, and would be changed by every `up`; and hooks run, in both
directions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.grants import Statement
from infra.ground.cluster import Cluster
from infra.versions import CHARTS
from infra.workload_role import WorkloadRole, WorkloadRoleArgs

SYSTEM = "kube-system"
_TIMEOUT_SECONDS = 900


class Service(Component):
    """A release, and what it needs of AWS.

    Attributes:
        ready: What is there when the service is.
    """

    ready: pulumi.Resource

    def role(
        self, name: str, cluster: Cluster, namespace: str, account: str, may: Sequence[Statement]
    ) -> WorkloadRole:
        """A role for the pods of a service account, to do what `may` says."""
        return WorkloadRole(
            name,
            WorkloadRoleArgs(
                names=cluster.args.names,
                namespace=namespace,
                service_account=account,
                credentials=cluster.pod_credentials,
                statements=may,
            ),
            self.child(),
        )


def release(
    name: str,
    *,
    namespace: str,
    values: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> k8s.helm.v3.Release:
    """The release of the chart `name` of `infra.versions`, called like it.

    What fails is rolled back to what ran before.
    """
    chart = CHARTS[name]
    return k8s.helm.v3.Release(
        name,
        name=name,
        chart=chart.chart,
        version=chart.version,
        repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository)
        if chart.repository
        else None,
        namespace=namespace,
        values=dict(values),
        atomic=True,
        cleanup_on_fail=True,
        timeout=_TIMEOUT_SECONDS,
        opts=opts,
    )


def resources(cpu: str, memory: str) -> dict[str, dict[str, str]]:
    """Requests and limits of a container; CPU has no limit, which would only slow it down."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
