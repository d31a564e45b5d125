"""Resources whose kinds the cluster's services bring: secrets, scaling by queue, measurements.

Kubernetes knows these by CRDs, so they are made after the service that brings the CRD.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from infra.application.autoscaling import Replicas
from infra.application.pods import COMPONENT_LABEL, NAME_LABEL, PART, PART_LABEL, metadata
from infra.application.processes import Process
from infra.grants import SecretValue

QUEUE_AUTHENTICATION = "queues"
_REFRESH = "1h"
# A field in a template of External Secrets: `.password`.
_FIELD = re.compile(r"(?<![\w.])\.([A-Za-z_]\w*)")
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def external_secret(
    name: str,
    namespace: pulumi.Input[str],
    store: str,
    secrets: Mapping[str, SecretValue],
    opts: pulumi.ResourceOptions,
) -> k8s.apiextensions.CustomResource:
    """A Kubernetes secret with a key a variable, kept equal to what Secrets Manager has."""
    known = pulumi.Output.all(
        **{
            variable: pulumi.Output.all(name=value.name, key=value.key, template=value.template)
            for variable, value in secrets.items()
        }
    )
    versions = [each.version for each in secrets.values() if each.version is not None]
    # The templates name fields and hold none: nothing here is secret.
    spec = known.apply(lambda values: external_secret_spec(name, store, values))
    return k8s.apiextensions.CustomResource(
        name,
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        # A change of it makes External Secrets fetch anew.
        metadata=metadata(
            name,
            namespace,
            {
                "spool/versions": pulumi.Output.all(*versions).apply(
                    lambda ids: " ".join(sorted(set(ids)))
                )
            },
        ),
        spec=spec,
        opts=opts,
    )


def external_secret_spec(
    name: str, store: str, values: Mapping[str, Mapping[str, str | None]]
) -> dict[str, Any]:
    """What External Secrets is told.

    Two secrets may have fields of the same name, so each field is fetched under the name of the
    variable that it is for.

    Args:
        values: By variable: `name` of the secret, and `key` or `template` as in `SecretValue`.
    """
    data: list[dict[str, Any]] = []
    template: dict[str, str] = {}
    for variable, value in sorted(values.items()):
        written = value["template"]
        if written is None:
            reference = {"key": value["name"]}
            if value["key"] is not None:
                reference["property"] = value["key"]
            data.append({"secretKey": variable, "remoteRef": reference})
            template[variable] = f"{{{{ .{variable} }}}}"
            continue
        fields = sorted(
            {field for action in _ACTION.findall(written) for field in _FIELD.findall(action)}
        )
        data += [
            {
                "secretKey": f"{variable}_{field}",
                "remoteRef": {"key": value["name"], "property": field},
            }
            for field in fields
        ]
        template[variable] = _ACTION.sub(
            lambda action, of=variable: _FIELD.sub(rf".{of}_\1", action[0]),  # type: ignore[misc]  # mypy knows no type of a lambda with a default
            written,
        )
    return {
        "refreshInterval": _REFRESH,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
        "target": {
            "name": name,
            "creationPolicy": "Owner",
            "template": {"engineVersion": "v2", "data": template},
        },
        "data": data,
    }


def queue_authentication(
    namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> k8s.apiextensions.CustomResource:
    """KEDA asks SQS as itself, by the role of its own service account: it only counts."""
    return k8s.apiextensions.CustomResource(
        QUEUE_AUTHENTICATION,
        api_version="keda.sh/v1alpha1",
        kind="TriggerAuthentication",
        metadata=metadata(QUEUE_AUTHENTICATION, namespace),
        spec={"podIdentity": {"provider": "aws"}},
        opts=opts,
    )


def scaled_object(
    name: str,
    namespace: pulumi.Input[str],
    process: Process,
    replicas: Replicas,
    queue_urls: Sequence[pulumi.Input[str]],
    region: str,
    opts: pulumi.ResourceOptions,
) -> k8s.apiextensions.CustomResource:
    """Pods of a worker by the messages in its queues, waiting or in work."""
    return k8s.apiextensions.CustomResource(
        name,
        api_version="keda.sh/v1alpha1",
        kind="ScaledObject",
        metadata=metadata(process.name, namespace),
        spec={
            "scaleTargetRef": {"name": process.name},
            "minReplicaCount": replicas.least,
            "maxReplicaCount": replicas.most,
            "pollingInterval": 15,
            "cooldownPeriod": 300,
            # Where SQS does not say, work goes on with one.
            "fallback": {"failureThreshold": 8, "replicas": max(1, replicas.least)},
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        # A queue that is short for a moment ends nobody.
                        "scaleDown": {
                            "stabilizationWindowSeconds": 300,
                            "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
                        }
                    }
                }
            },
            "triggers": [
                {
                    "type": "aws-sqs-queue",
                    "metadata": {
                        "queueURL": url,
                        "queueLength": str(process.slots),
                        "awsRegion": region,
                        # A message is hidden while its task runs: who works is not in excess.
                        "scaleOnInFlight": "true",
                    },
                    "authenticationRef": {"name": QUEUE_AUTHENTICATION},
                }
                for url in queue_urls
            ],
        },
        opts=opts,
    )


def pod_monitor(
    namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> k8s.apiextensions.CustomResource:
    """Prometheus asks every pod of ours that has measurements."""
    return k8s.apiextensions.CustomResource(
        "pods",
        api_version="monitoring.coreos.com/v1",
        kind="PodMonitor",
        metadata=metadata(PART, namespace),
        spec={
            "selector": {
                "matchLabels": {PART_LABEL: PART},
                "matchExpressions": [
                    {
                        "key": COMPONENT_LABEL,
                        "operator": "In",
                        "values": ["api", "service", "worker"],
                    }
                ],
            },
            "podTargetLabels": [NAME_LABEL],
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
        },
        opts=opts,
    )
