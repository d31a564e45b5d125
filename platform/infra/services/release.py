"""A service of the cluster, from the chart of its project.

Helm's own releases, not charts that are rendered into resources of the stack: several charts make
certificates while they render, and would be changed by every `up`; and hooks run, in both
directions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.versions import CHARTS

_TIMEOUT_SECONDS = 900


def release(
    name: str,
    *,
    namespace: pulumi.Input[str],
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


def spread(labels: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    """Over zones, as far as there are nodes."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
    ]
