"""Where Spool sends its spans: the OpenTelemetry collector, which sends them on to X-Ray."""

import pulumi

from infra.grants import Statement
from infra.ground.cluster import Cluster
from infra.placement import OBSERVABILITY
from infra.services.release import Service, release, resources

_NAME = "otel-collector"
ENDPOINT = f"http://{_NAME}.{OBSERVABILITY}:4317"


class OtelCollector(Service):
    """Two collectors behind one name; a trace may come by both, X-Ray puts it together."""

    KIND = "services:OtelCollector"

    def __init__(
        self, name: str, cluster: Cluster, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        write = Statement(
            ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            ["*"],
            why_all="X-Ray's writes know no resource",
        )
        role = self.role(name, cluster, OBSERVABILITY, _NAME, [write])
        self.ready = release(
            "opentelemetry-collector",
            namespace=OBSERVABILITY,
            values={
                "fullnameOverride": _NAME,
                "mode": "deployment",
                "replicaCount": 2,
                # The distribution with X-Ray's exporter; its version is the chart's.
                "image": {
                    "repository": "ghcr.io/open-telemetry/opentelemetry-collector-releases/"
                    "opentelemetry-collector-contrib"
                },
                "command": {"name": "otelcol-contrib"},
                "serviceAccount": {"name": _NAME, "annotations": role.annotations},
                "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
                # Over zones, as far as there are nodes.
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "topology.kubernetes.io/zone",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {
                            "matchLabels": {"app.kubernetes.io/name": "opentelemetry-collector"}
                        },
                    }
                ],
                "resources": resources("100m", "512Mi"),
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "readOnlyRootFilesystem": True,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "ports": {
                    "jaeger-compact": {"enabled": False},
                    "jaeger-grpc": {"enabled": False},
                    "jaeger-thrift": {"enabled": False},
                    "otlp-http": {"enabled": False},
                    "zipkin": {"enabled": False},
                    "metrics": {"enabled": True},
                },
                # Instead of the chart's own, which also takes what nobody sends.
                "alternateConfig": _config(cluster.args.region),
            },
            opts=self.child(depends_on=role.ready),
        )
        self.register_outputs({})


def _config(region: str) -> dict[str, object]:
    return {
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "${env:MY_POD_IP}:4317"}}}},
        "processors": {
            # Spans are refused before the container is killed for them.
            "memory_limiter": {
                "check_interval": "1s",
                "limit_percentage": 80,
                "spike_limit_percentage": 20,
            },
            "batch": {},
        },
        "exporters": {
            "awsxray": {
                "region": region,
                # What a video's trace is searched by (docs/observability.md).
                "indexed_attributes": ["spool.asset_id", "spool.correlation_id"],
            },
        },
        "extensions": {"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["awsxray"],
                }
            },
            "telemetry": {
                "metrics": {
                    "readers": [
                        {
                            "pull": {
                                "exporter": {
                                    "prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}
                                }
                            }
                        }
                    ]
                }
            },
        },
    }
