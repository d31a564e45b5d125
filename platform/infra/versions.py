"""Every version of what runs in the cluster beside Spool, in one table.

Nothing follows a moving tag: an upgrade is a change here, previewed like any other. Add-ons whose
version goes with Kubernetes' have one for each minor version that a stack may take
(`infra.config.checks.KUBERNETES_VERSIONS`); `aws eks describe-addon-versions` tells newer ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# EKS add-ons that every minor version takes alike.
_ADD_ONS = {
    "vpc-cni": "v1.21.1-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.10-eksbuild.2",
    "aws-ebs-csi-driver": "v1.57.1-eksbuild.1",
}
ADD_ONS: Mapping[str, Mapping[str, str]] = {
    "1.33": {
        **_ADD_ONS,
        "kube-proxy": "v1.33.10-eksbuild.2",
        "coredns": "v1.12.4-eksbuild.1",
        "amazon-cloudwatch-observability": "v4.10.1-eksbuild.1",
    },
    "1.34": {
        **_ADD_ONS,
        "kube-proxy": "v1.34.6-eksbuild.2",
        "coredns": "v1.12.4-eksbuild.1",
        "amazon-cloudwatch-observability": "v4.10.1-eksbuild.1",
    },
    "1.35": {
        **_ADD_ONS,
        "kube-proxy": "v1.35.3-eksbuild.2",
        "coredns": "v1.13.2-eksbuild.3",
        "amazon-cloudwatch-observability": "v5.3.1-eksbuild.1",
    },
}
# The autoscaler simulates the scheduler of the same minor version.
CLUSTER_AUTOSCALER: Mapping[str, str] = {"1.33": "v1.33.3", "1.34": "v1.34.2", "1.35": "v1.35.0"}


@dataclass(frozen=True)
class Chart:
    """A Helm chart of its project.

    Args:
        chart: Its name, or where it lies as an OCI artifact.
        version: Of the chart.
        repository: URL of a repository, for projects that publish no OCI artifact.
    """

    chart: str
    version: str
    repository: str | None = None


CHARTS: Mapping[str, Chart] = {
    "aws-load-balancer-controller": Chart(
        "aws-load-balancer-controller", "3.5.0", "https://aws.github.io/eks-charts"
    ),
    "cluster-autoscaler": Chart(
        "cluster-autoscaler", "9.59.0", "https://kubernetes.github.io/autoscaler"
    ),
    "external-secrets": Chart("oci://ghcr.io/external-secrets/charts/external-secrets", "2.9.0"),
    "fluent-bit": Chart("oci://ghcr.io/fluent/helm-charts/fluent-bit", "0.58.1"),
    "karpenter": Chart("oci://public.ecr.aws/karpenter/karpenter", "1.14.1"),
    "keda": Chart("keda", "2.20.2", "https://kedacore.github.io/charts"),
    "kube-prometheus-stack": Chart(
        "oci://ghcr.io/prometheus-community/charts/kube-prometheus-stack", "88.5.3"
    ),
    "metrics-server": Chart(
        "metrics-server", "3.13.1", "https://kubernetes-sigs.github.io/metrics-server"
    ),
    "opentelemetry-collector": Chart(
        "oci://ghcr.io/open-telemetry/opentelemetry-helm-charts/opentelemetry-collector",
        "0.170.0",
    ),
}
