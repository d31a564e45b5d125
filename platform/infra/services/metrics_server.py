"""CPU and memory of pods, for horizontal autoscaling and `kubectl top`."""

import pulumi
import pulumi_kubernetes as k8s

from infra.services.release import SYSTEM, release, resources


def metrics_server(opts: pulumi.ResourceOptions) -> k8s.helm.v3.Release:
    """The metrics server."""
    return release(
        "metrics-server",
        namespace=SYSTEM,
        values={
            "replicas": 2,
            "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
            "resources": resources("100m", "200Mi"),
            # Its usual port is the kubelet's own, which on Fargate is in the same pod.
            "containerPort": 10251,
        },
        opts=opts,
    )
