"""Prometheus and Grafana in the cluster, with exporters of nodes and of Kubernetes' objects.

Who is called at night is called by CloudWatch's alarms: rules here mirror them for the eye, and
there is no Alertmanager that would call a second time.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.component import Component
from infra.grants import SecretValue, Statement
from infra.ground.cluster import Cluster, ClusterArgs
from infra.names import Names
from infra.placement import MEDIA, NODE_AGENTS, OBSERVABILITY
from infra.services.external_secrets import STORE
from infra.services.release import Service, release, resources
from infra.state.kept_secret import KeptSecret, KeptSecretArgs, random_password
from infra.workload_role import WorkloadRole

_GRAFANA = "grafana"
_ADMIN = "grafana-admin"
_CHARACTERS = 32
_RETENTION = "15d"
_STORAGE_GIB = 50
_SMALL = {"resources": resources("25m", "128Mi")}


@dataclass(frozen=True)
class GrafanaPasswordArgs:
    """What the password of Grafana's administrator is kept by.

    Args:
        names: Names of the stack.
        secrets_key_arn: KMS key of secrets; AWS' own without.
        protect: The secret can be brought back.
    """

    names: Names
    secrets_key_arn: pulumi.Input[str] | None
    protect: bool


class GrafanaPassword(Component):
    """A random password in Secrets Manager, made once: Grafana's own default is known to all.

    Attributes:
        secret: Where it is.
    """

    KIND = "services:GrafanaPassword"

    def __init__(
        self, name: str, args: GrafanaPasswordArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.secret = KeptSecret(
            name,
            KeptSecretArgs(
                name=args.names.path(_GRAFANA, "admin"),
                about="Grafana's administrator",
                value=random_password(_CHARACTERS, self).apply(
                    lambda value: json.dumps({"password": value})
                ),
                kms_key=args.secrets_key_arn,
                recoverable=args.protect,
                first_value_stays=True,
            ),
            self.child(),
        )
        self.register_outputs({"arn": self.secret.arn})


@dataclass(frozen=True)
class PrometheusArgs:
    """What Prometheus and Grafana are told.

    Args:
        cluster: Where they are.
        password: Of Grafana's administrator.
        secret_store: To wait for.
    """

    cluster: Cluster
    password: SecretValue
    secret_store: pulumi.Resource


class Prometheus(Service):
    """kube-prometheus-stack, whose Grafana also asks CloudWatch.

    Attributes:
        ready: What brings the CRDs of monitors and rules.
    """

    KIND = "services:Prometheus"

    def __init__(
        self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        read = Statement(
            ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
            ["*"],
            why_all="measurements have no ARN",
        )
        role = self.role(f"{name}-grafana", args.cluster, OBSERVABILITY, _GRAFANA, [read])
        # Fargate has no volumes; and what is to be thrown away needs no memory.
        keeps = args.cluster.args.protect and not args.cluster.args.fargate
        storage = [self._storage_class()] if keeps else []
        self.ready = release(
            "kube-prometheus-stack",
            namespace=OBSERVABILITY,
            values=_values(args.cluster.args, role, _STORAGE_GIB if keeps else None),
            opts=self.child(depends_on=[*role.ready, *storage, self._password(args)]),
        )
        self.register_outputs({})

    def _password(self, args: PrometheusArgs) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            _ADMIN,
            api_version="external-secrets.io/v1",
            kind="ExternalSecret",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=_ADMIN, namespace=OBSERVABILITY),
            spec={
                "refreshInterval": "1h",
                "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
                "target": {
                    "name": _ADMIN,
                    "template": {"data": {"user": "admin", "password": "{{ .password }}"}},
                },
                "data": [
                    {
                        "secretKey": "password",
                        "remoteRef": {"key": args.password.name, "property": args.password.key},
                    }
                ],
            },
            opts=self.child(depends_on=[args.secret_store]),
        )

    def _storage_class(self) -> k8s.storage.v1.StorageClass:
        return k8s.storage.v1.StorageClass(
            "gp3",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="gp3"),
            provisioner="ebs.csi.aws.com",
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=self.child(),
        )


def _values(args: ClusterArgs, role: WorkloadRole, storage_gib: int | None) -> dict[str, Any]:
    return {
        "fullnameOverride": "prometheus",
        "alertmanager": {"enabled": False},
        # Parts of EKS' control plane that nobody reaches, and a kube-proxy that listens to itself.
        **{
            part: {"enabled": False}
            for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
        },
        "defaultRules": {"rules": {"alertmanager": False}},
        "prometheusOperator": {
            **_SMALL,
            # Its usual port is the kubelet's own, which on Fargate is in the same pod.
            "tls": {"internalPort": 9443},
            "admissionWebhooks": {"patch": {"resources": resources("25m", "64Mi")}},
        },
        "kube-state-metrics": _SMALL,
        "prometheus-node-exporter": {
            **_SMALL,
            # It looks at the host, which Pod Security refuses in our namespace.
            "namespaceOverride": NODE_AGENTS,
            "nodeSelector": {
                "kubernetes.io/os": "linux",
                **(MEDIA.node_selector if args.fargate else {}),
            },
        },
        "prometheus": {
            "prometheusSpec": {
                "retention": _RETENTION,
                "resources": resources("250m", "2Gi"),
                # Monitors and rules of all namespaces, whoever made them.
                **{
                    f"{kind}SelectorNilUsesHelmValues": False
                    for kind in ("podMonitor", "serviceMonitor", "rule", "probe", "scrapeConfig")
                },
                **_storage(storage_gib),
            }
        },
        "grafana": {
            "fullnameOverride": _GRAFANA,
            "serviceAccount": {"name": _GRAFANA, "annotations": role.annotations},
            "admin": {"existingSecret": _ADMIN, "userKey": "user", "passwordKey": "password"},
            "resources": resources("100m", "512Mi"),
            "sidecar": {
                "resources": resources("25m", "128Mi"),
                "dashboards": {"enabled": True, "searchNamespace": OBSERVABILITY},
            },
            "additionalDataSources": [
                {
                    "name": "CloudWatch",
                    "type": "cloudwatch",
                    "uid": "cloudwatch",
                    "jsonData": {"authType": "default", "defaultRegion": args.region},
                }
            ],
            # Seen through `kubectl port-forward`: no ingress, and nobody who has not signed in.
            "grafana.ini": {
                "analytics": {"check_for_updates": False, "reporting_enabled": False},
                "users": {"allow_sign_up": False},
            },
        },
    }


def _storage(gib: int | None) -> dict[str, Any]:
    if gib is None:
        return {}
    return {
        # Full at nine tenths, oldest first, before the volume is.
        "retentionSize": f"{gib * 9 // 10}GiB",
        # Without this the volume stays when Prometheus goes, and the bill with it.
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
        "storageSpec": {
            "volumeClaimTemplate": {
                "spec": {
                    "storageClassName": "gp3",
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": f"{gib}Gi"}},
                }
            }
        },
    }
