"""Lines of pods to CloudWatch: Fluent Bit on every node, and Fargate's own log router."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from infra.grants import Statement
from infra.ground.cluster import Cluster
from infra.placement import MEDIA, NODE_AGENTS
from infra.services.release import Service, release, resources

_NAME = "fluent-bit"
_STATE = "/var/fluent-bit"
# Spool's lines are JSON; their members become the event's own, searchable in Logs Insights.
_FILTER = """\
[FILTER]
    Name kubernetes
    Match kube.*
    Merge_Log On
    Keep_Log Off
    Annotations Off
"""
_INPUT = f"""\
[INPUT]
    Name tail
    Path /var/log/containers/*.log
    Exclude_Path /var/log/containers/{_NAME}-*.log
    multiline.parser cri
    Tag kube.*
    DB {_STATE}/tail.db
    Mem_Buf_Limit 32MB
    Skip_Long_Lines On
    Refresh_Interval 5
"""


class FluentBit(Service):
    """The log group of all pods and who fills it: a stream for each container.

    Attributes:
        log_group_name: Of the group, `/spool/dev/pods`.
        routers: Fargate's own, which pods there have from the moment at which they start.
    """

    KIND = "services:FluentBit"

    log_group_name: pulumi.Output[str]
    routers: list[pulumi.Resource]

    def __init__(
        self, name: str, cluster: Cluster, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        args = cluster.args
        group = aws.cloudwatch.LogGroup(
            name,
            name=args.names.path("pods"),
            retention_in_days=args.log_retention_days,
            kms_key_id=args.logs_key_arn,
            opts=self.child(),
        )
        self.log_group_name = group.name
        write = Statement(
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [group.arn, pulumi.Output.concat(group.arn, ":*")],
        )
        role = self.role(name, cluster, NODE_AGENTS, _NAME, [write])
        output = group.name.apply(lambda known: _output(args.region, known))
        self.ready = release(
            _NAME,
            namespace=NODE_AGENTS,
            values={
                "fullnameOverride": _NAME,
                "serviceAccount": {"name": _NAME, "annotations": role.annotations},
                "testFramework": {"enabled": False},
                "config": {
                    "inputs": _INPUT,
                    "filters": _FILTER,
                    "outputs": output,
                },
                # Every node, whatever its taints; on Fargate no DaemonSet runs.
                "tolerations": [{"operator": "Exists"}],
                "nodeSelector": dict(MEDIA.node_selector) if args.fargate else {},
                "daemonSetVolumes": [
                    {"name": "varlog", "hostPath": {"path": "/var/log"}},
                    {
                        "name": "state",
                        "hostPath": {"path": _STATE, "type": "DirectoryOrCreate"},
                    },
                ],
                "daemonSetVolumeMounts": [
                    {"name": "varlog", "mountPath": "/var/log", "readOnly": True},
                    {"name": "state", "mountPath": _STATE},
                ],
                "resources": resources("50m", "128Mi"),
                # Root, because the lines are root's; without any of root's capabilities.
                "securityContext": {
                    "runAsUser": 0,
                    "readOnlyRootFilesystem": True,
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
            },
            opts=self.child(depends_on=role.ready),
        )
        self.routers = [self._fargate_router(output)] if args.fargate else []
        self.register_outputs({"logGroupName": self.log_group_name})

    def _fargate_router(self, output: pulumi.Output[str]) -> k8s.core.v1.ConfigMap:
        # Fargate reads this map, of this name in this namespace, when a pod starts.
        namespace = k8s.core.v1.Namespace(
            "aws-observability",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name="aws-observability", labels={"aws-observability": "enabled"}
            ),
            opts=self.child(),
        )
        return k8s.core.v1.ConfigMap(
            "aws-logging",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name="aws-logging", namespace=namespace.metadata.name
            ),
            data={"filters.conf": _FILTER, "output.conf": output},
            opts=self.child(),
        )


def _output(region: str, group: str) -> str:
    # The group is ours, so that it has a retention and goes with the stack.
    return f"""\
[OUTPUT]
    Name cloudwatch_logs
    Match kube.*
    region {region}
    log_group_name {group}
    log_stream_prefix pods.
    auto_create_group false
    Retry_Limit 10
"""
